// What must not compile: the fields, values and codes of one version taken for another's.
// An error that is expected and does not come is an error itself.

import type { components as One, paths as PathsOne } from "./v1.js";
import type { components as Two, paths as PathsTwo } from "./v2.js";

declare const older: One["schemas"]["OrderDetail"];
declare const newer: Two["schemas"]["OrderDetail"];

export const totals: string[] = [older.total_amount, newer.total.amount];

// @ts-expect-error  v1 has no object for the total.
export const one = older.total.amount;

// @ts-expect-error  v2 has no amount beside the order's other fields.
export const two = newer.total_amount;

// @ts-expect-error  An order of one is none of the other.
export const three: typeof newer = older;

// @ts-expect-error  Nor is what is sent: a price of v2 is an object.
export const four: Two["schemas"]["ProductDetailRequest"] = { sku: "A", name: "A", price: "1.00" };

export const five: One["schemas"]["ProductDetailRequest"] = { sku: "A", name: "A", price: "1.00" };

// @ts-expect-error  There is no such state.
export const six: Two["schemas"]["OrderStatus"] = "lost";

type Refused<Paths extends PathsOne | PathsTwo, Route extends keyof Paths> = Paths[Route] extends {
  post: { responses: { 409: { content: { "application/problem+json": infer Problem } } } };
}
  ? Problem
  : never;

declare const refused: Refused<PathsTwo, "/api/v2/orders/">;

export const seven = refused.code === "insufficient_inventory";

// @ts-expect-error  An order is never refused with this.
export const eight = refused.code === "last_owner";

// @ts-expect-error  A route of v1 is none of v2.
export type Nine = PathsTwo["/api/v1/orders/"];
