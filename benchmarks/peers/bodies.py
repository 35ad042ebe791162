"""From rows to bodies by hand, and to JSON: for ``values`` and for ``rows``."""

from collections.abc import Iterable
from typing import Any

import orjson

from benchmarks.peers import SIZE, keyset

Row = tuple[Any, ...]
Body = dict[str, Any]


def brief(row: Row) -> Body:
    key, status, amount, currency, created_at, customer, name, email, *_ = row
    return {
        "id": key,
        "status": status,
        "total": {"amount": str(amount), "currency": currency},
        "created_at": created_at,
        "customer": {"id": customer, "name": name, "email": email},
    }


def briefs(orders: Iterable[Row], counts: dict[int, int]) -> list[Body]:
    return [{**brief(row), "item_count": counts.get(row[0], 0)} for row in orders]


def details(orders: Iterable[Row], items: Iterable[Row], payments: Iterable[Row]) -> list[Body]:
    """Orders with what belongs to them, whose rows begin with the order's key."""
    found: dict[int, Body] = {}
    for row in orders:
        address, line1, line2, city, postcode, country = row[9:]
        found[row[0]] = {
            **brief(row),
            "note": row[8],
            "items": [],
            "payments": [],
            "shipping_address": {
                "id": address,
                "line1": line1,
                "line2": line2,
                "city": city,
                "postcode": postcode,
                "country": country,
            },
        }
    for order, key, quantity, unit_price, product, sku, name, price in items:
        found[order]["items"].append(
            {
                "id": key,
                "quantity": quantity,
                "unit_price": str(unit_price),
                "product": {"id": product, "sku": sku, "name": name, "price": str(price)},
            }
        )
    for order, key, amount, method, status, paid_at in payments:
        found[order]["payments"].append(
            {
                "id": key,
                "amount": str(amount),
                "method": method,
                "status": status,
                "paid_at": paid_at,
            }
        )
    for body in found.values():
        body["item_count"] = len(body["items"])
    return list(found.values())


def last_of(orders: list[Row]) -> keyset.Position | None:
    """The end of the page in *orders*, which are one more where another page follows."""
    return (orders[SIZE - 1][4], orders[SIZE - 1][0]) if len(orders) > SIZE else None


def page(url: str, last: keyset.Position | None, results: list[Body]) -> bytes:
    return dumps({"next": keyset.link(url, last), "previous": None, "results": results})


def dumps(body: Any) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
