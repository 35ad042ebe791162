"""
The limit of hand-work on PostgreSQL: bare WSGI over psycopg's pool, nothing between.

``Rows`` makes bodies of rows, from prepared statements; ``Json`` has PostgreSQL itself
write each order as JSON.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from psycopg import sql
from psycopg.abc import Params
from psycopg_pool import ConnectionPool

from benchmarks.peers import SIZE, bodies, keyset

StartResponse = Callable[[str, list[tuple[str, str]]], object]

ORDERS = sql.SQL(
    """
    SELECT o.id, o.status, o.total_amount, o.currency, o.created_at,
        o.customer_id, u.full_name, u.email {more}
    FROM orders_order o
    JOIN orders_customer c ON c.id = o.customer_id
    JOIN accounts_user u ON u.id = c.user_id
    JOIN orders_address a ON a.id = o.shipping_address_id
    {part}
    """
)
MORE = sql.SQL(", o.note, a.id, a.line1, a.line2, a.city, a.postcode, a.country")
NOTHING = sql.SQL("")
NEWEST = sql.SQL("ORDER BY o.created_at DESC, o.id DESC LIMIT %(size)s")
AFTER = sql.SQL("WHERE (o.created_at, o.id) < (%(made)s, %(key)s) {newest}").format(newest=NEWEST)
PARTS = {"first": NEWEST, "after": AFTER, "one": sql.SQL("WHERE o.id = %(key)s")}
COUNTS = """
    SELECT order_id, count(*) FROM orders_orderitem WHERE order_id = ANY(%s) GROUP BY order_id
"""
ITEMS = """
    SELECT i.order_id, i.id, i.quantity, i.unit_price, p.id, p.sku, p.name, p.price
    FROM orders_orderitem i JOIN catalog_product p ON p.id = i.product_id
    WHERE i.order_id = ANY(%s) ORDER BY i.id
"""
PAYMENTS = """
    SELECT order_id, id, amount, method, status, paid_at
    FROM orders_payment WHERE order_id = ANY(%s) ORDER BY id
"""

#: An order's position, and the order.
WRITTEN = sql.SQL(
    """
    SELECT o.created_at, o.id, json_build_object(
        'id', o.id, 'status', o.status,
        'total', json_build_object('amount', o.total_amount::text, 'currency', o.currency),
        'created_at', o.created_at,
        'customer', json_build_object('id', o.customer_id, 'name', u.full_name, 'email', u.email),
        'item_count', (SELECT count(*) FROM orders_orderitem i WHERE i.order_id = o.id)
        {more}
    )::text
    FROM orders_order o
    JOIN orders_customer c ON c.id = o.customer_id
    JOIN accounts_user u ON u.id = c.user_id
    JOIN orders_address a ON a.id = o.shipping_address_id
    {part}
    """
)
WRITTEN_MORE = sql.SQL(
    """,
    'note', o.note,
    'items', (
        SELECT coalesce(json_agg(json_build_object(
            'id', i.id, 'quantity', i.quantity, 'unit_price', i.unit_price::text,
            'product', json_build_object(
                'id', p.id, 'sku', p.sku, 'name', p.name, 'price', p.price::text
            )
        ) ORDER BY i.id), '[]')
        FROM orders_orderitem i JOIN catalog_product p ON p.id = i.product_id
        WHERE i.order_id = o.id
    ),
    'payments', (
        SELECT coalesce(json_agg(json_build_object(
            'id', y.id, 'amount', y.amount::text, 'method', y.method, 'status', y.status,
            'paid_at', y.paid_at
        ) ORDER BY y.id), '[]')
        FROM orders_payment y WHERE y.order_id = o.id
    ),
    'shipping_address', json_build_object(
        'id', a.id, 'line1', a.line1, 'line2', a.line2, 'city', a.city,
        'postcode', a.postcode, 'country', a.country
    )
    """
)


class Application:
    """``/list``, ``/full`` and ``/one/<key>`` of one way to read, as WSGI."""

    #: Orders as in a list, and what is more in ``full``.
    select: sql.SQL
    more: sql.SQL

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.texts = {
            (name, part): self.select.format(more=more, part=condition).as_string()
            for name, more in (("list", NOTHING), ("full", self.more))
            for part, condition in PARTS.items()
        }

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        _, name, *rest = environ["PATH_INFO"].split("/")
        if name == "one":
            body = self.one(int(rest[0]))
        else:
            query = parse_qs(environ["QUERY_STRING"])
            url = f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}/{name}"
            body = self.page(url, name, keyset.parse(query.get("after", [None])[0]))
        status = "404 Not Found" if body is None else "200 OK"
        body = body or b"{}"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    def page(self, url: str, name: str, after: keyset.Position | None) -> bytes:
        raise NotImplementedError

    def one(self, key: int) -> bytes | None:
        raise NotImplementedError

    def orders(self, name: str, after: keyset.Position | None) -> list[bodies.Row]:
        """A page of them, and the next one."""
        if after is None:
            return self.fetch(self.texts[name, "first"], {"size": SIZE + 1})
        parameters = {"size": SIZE + 1, "made": after[0], "key": after[1]}
        return self.fetch(self.texts[name, "after"], parameters)

    def order(self, key: int) -> list[bodies.Row]:
        return self.fetch(self.texts["full", "one"], {"key": key})

    def fetch(self, query: str, parameters: Params) -> list[bodies.Row]:
        with self.pool.connection() as connection:
            return connection.execute(query.encode(), parameters, prepare=True).fetchall()


class Rows(Application):
    select, more = ORDERS, MORE

    def page(self, url: str, name: str, after: keyset.Position | None) -> bytes:
        rows = self.orders(name, after)
        shown = rows[:SIZE]
        results = self.details(shown) if name == "full" else self.briefs(shown)
        return bodies.page(url, bodies.last_of(rows), results)

    def one(self, key: int) -> bytes | None:
        rows = self.order(key)
        return bodies.dumps(self.details(rows)[0]) if rows else None

    def briefs(self, rows: list[bodies.Row]) -> list[bodies.Body]:
        counts = self.fetch(COUNTS, [[row[0] for row in rows]])
        return bodies.briefs(rows, dict(counts))

    def details(self, rows: list[bodies.Row]) -> list[bodies.Body]:
        keys = [row[0] for row in rows]
        return bodies.details(rows, self.fetch(ITEMS, [keys]), self.fetch(PAYMENTS, [keys]))


class Json(Application):
    select, more = WRITTEN, WRITTEN_MORE

    def page(self, url: str, name: str, after: keyset.Position | None) -> bytes:
        rows = self.orders(name, after)
        last = rows[SIZE - 1][:2] if len(rows) > SIZE else None
        following = bodies.dumps(keyset.link(url, last))
        results = ",".join([row[2] for row in rows[:SIZE]]).encode()
        return b'{"next":%b,"previous":null,"results":[%b]}' % (following, results)

    def one(self, key: int) -> bytes | None:
        rows = self.order(key)
        return rows[0][2].encode() if rows else None
