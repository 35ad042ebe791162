"""
The demo's catalogue: two hundred products of three sellers.

The first hundred are on sale with fifty units at least; some of the second hundred are
not on sale. Ten, all that its plan allows, are sold by the organization on the free plan.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from shop.accounts.models import Organization
from shop.catalog.models import Product
from shop.demo.people import OWNERS
from shop.demo.words import COLOURS, MATERIALS, THINGS, chooser

LISTED = datetime(2024, 6, 1, tzinfo=UTC)
SKUS = [f"DEMO-{number:04}" for number in range(1, 201)]
FREE = range(10, 101, 10)


def create_products(seed: int) -> None:
    choose = chooser(seed, "products")
    organizations = Organization.objects.filter(memberships__user__email__in=OWNERS)
    free, *others = organizations.order_by("pk")
    products = []
    for number, sku in enumerate(SKUS, start=1):
        colour, material, thing = choose(COLOURS), choose(MATERIALS), choose(THINGS)
        products.append(
            Product(
                organization=free if number in FREE else others[number % len(others)],
                sku=sku,
                name=f"{colour} {material} {thing}",
                description=f"A {colour.lower()} {thing.lower()} of {material.lower()}.",
                price=Decimal(choose(range(250, 20_000))) / 100,
                stock=choose(range(50, 1000)),
                is_active=number <= 100 or number % 12 != 5,
                created_at=LISTED + timedelta(hours=number),
            )
        )
    Product.objects.bulk_create(products)
