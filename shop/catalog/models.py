"""
The catalogue: products, each sold by one organization.

Price and stock are never negative, and a SKU names one product of its seller,
by database constraint. ``MAX_STOCK`` bounds what a seller may enter and no more:
units that come back from a cancelled order must always find room.
"""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from shop.accounts.models import Organization
from shop.catalog.currency import currency_check, currency_code
from shop.catalog.querysets import ProductQuerySet

MAX_STOCK = 1_000_000


class Product(models.Model):
    """Something one organization sells, at one price."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="products"
    )
    sku = models.CharField("SKU", max_length=40)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(max_length=3, default="EUR", validators=[currency_code])
    stock = models.IntegerField(
        default=0, validators=[MinValueValidator(0), MaxValueValidator(MAX_STOCK)]
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="catalog_product_newest"),
            models.Index(fields=["price", "id"], name="catalog_product_price"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="catalog_product_sku",
                fields=["organization", "sku"],
                violation_error_message="The organization sells another product under this SKU.",
            ),
            models.CheckConstraint(
                name="catalog_product_price_range",
                condition=Q(price__gte=0),
                violation_error_code="min_value",
            ),
            models.CheckConstraint(
                name="catalog_product_stock_range",
                condition=Q(stock__gte=0),
                violation_error_code="min_value",
            ),
            currency_check("catalog_product_currency"),
        ]

    def __str__(self) -> str:
        return self.name
