"""What the OpenAPI documents say before they come to operations: for a reader who is new here."""

API_DESCRIPTION = """\
A shop of many sellers: products, orders and payments, articles with comments, and the
organizations that sell.

**Who you are.** `POST /api/token/` exchanges a login for an access token, good for 15 minutes and
sent as `Authorization: Bearer …`, and a refresh token, which `POST /api/token/refresh/` exchanges
once. Pages on this origin may have both in cookies. What belongs to somebody else is like what is
not there: 404.

**Versions.** The path says which: `/api/v1/` or `/api/v2/`. Within a version fields, values and
endpoints are added, never removed or renamed, so ignore what you do not know. `Deprecation`,
`Sunset` and `Link` announce the end of one.

**Values.** Money is a decimal string, times are ISO 8601 in UTC, ids are never used again. An
unknown field or query parameter is a 400, not silence.

**Lists** are pages of `page_size` rows, 20 unless you say so and 100 at most. Follow `next` and
`previous` as they are until they are null; a cursor belongs to its list, filters and order.

**Errors** are `application/problem+json` (RFC 9457) in one shape. Decide by `code`, show `detail`,
and quote `request_id` when you ask for help; `errors` points at the values that were refused.

**Limits.** `RateLimit-Policy` and `RateLimit` say what your budgets are and what is left of them.
On 429 and 503 wait for `Retry-After` seconds.

**Retries.** Send an `Idempotency-Key` with what changes orders: the same request with the same key
happens once, and a retry gets the first answer.

**Caches and lost updates.** Each object has a strong `ETag`. With `If-None-Match` you get 304 where
nothing has changed, with `If-Match` a change is made to the state you know, or not at all (412).
"""

API_TAGS = [
    {"name": "addresses", "description": "Where orders are shipped to."},
    {"name": "articles", "description": "Articles, and the comments under them."},
    {"name": "invitations", "description": "Joining an organization."},
    {"name": "orders", "description": "Ordering, paying, shipping, refunding."},
    {"name": "organizations", "description": "Sellers, their members and invitations."},
    {"name": "products", "description": "The catalogue."},
    {"name": "reports", "description": "What was sold."},
    {"name": "teams", "description": "Groups of an organization's members."},
    {"name": "token", "description": "Logging in and out, and one's sessions."},
    {"name": "users", "description": "Accounts: one's own, and those of colleagues."},
]
