// Log in, order, page through the orders, and meet errors, as a client of v1 does.

import createClient from "openapi-fetch";

import { credentials, cursorOf, given, type Walked } from "./session.js";
import type { paths } from "./v1.js";

export async function walk(baseUrl: string): Promise<Walked> {
  const client = createClient<paths>({ baseUrl });
  const unknown = await client.GET("/api/v1/orders/");

  const tokens = given(await client.POST("/api/token/", { body: credentials }));
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${tokens.access}`);
      return request;
    },
  });

  const catalogue = given(
    await client.GET("/api/v1/products/", { params: { query: { in_stock: true, page_size: 2 } } }),
  );
  const address = given(
    await client.POST("/api/v1/addresses/", {
      body: { line1: "1 Bridge Street", city: "Eastford", postcode: "10000", country: "AT" },
    }),
  );
  const body = {
    items: catalogue.results.map((product) => ({ product: product.id, quantity: 1 })),
    shipping_address: address.id,
  };
  const key = { "Idempotency-Key": "walk-v1" };
  const order = given(
    await client.POST("/api/v1/orders/", { params: { header: key }, body }),
  );
  const again = await client.POST("/api/v1/orders/", { params: { header: key }, body });

  const ids: number[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const query = cursor === undefined ? { page_size: 1 } : { page_size: 1, cursor };
    const page = given(await client.GET("/api/v1/orders/", { params: { query } }));
    ids.push(...page.results.map((row) => row.id));
    cursor = cursorOf(page.next);
    pages += 1;
  } while (cursor !== undefined);

  const refused = await client.POST("/api/v1/orders/", {
    body: { ...body, items: [{ product: 1, quantity: 0 }] },
  });
  const where = { params: { path: { id: order.id } } };
  given(await client.POST("/api/v1/orders/{id}/cancel/", where));
  const twice = await client.POST("/api/v1/orders/{id}/cancel/", where);

  return {
    total: `${order.total_amount} ${order.currency}`,
    replayed: again.response.headers.get("Idempotency-Replayed") === "true",
    ids,
    pages,
    pointer: refused.error?.errors?.[0]?.pointer,
    conflict: twice.error?.code ?? "",
    unauthenticated: unknown.error?.code ?? "",
  };
}
