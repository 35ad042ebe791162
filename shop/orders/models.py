"""
Orders, their items and payments, and the customers and addresses behind them.

Kept by database constraint, whoever writes: known states, amounts that are not
negative, one line for each product of an order, at most one payment of an order
that succeeded. What may follow which state is ``shop.orders.actions``.

Every user is a customer: ``shop.orders.receivers`` sees to it, except for
``bulk_create``, whose caller must.
"""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Length, Upper
from django.db.models.lookups import Exact
from django.utils import timezone

from shop.accounts.models import User
from shop.catalog.currency import currency_check, currency_code
from shop.catalog.models import Product
from shop.orders.querysets import AddressQuerySet

MAX_QUANTITY = 100


class Customer(models.Model):
    """The buyer's side of a user."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="customer")
    is_blocked = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.email

    @property
    def name(self) -> str:
        return str(self.user.full_name)

    @property
    def email(self) -> str:
        return self.user.email


class Address(models.Model):
    """Where to ship. Archived, not deleted, once an order names it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100)
    postcode = models.CharField(max_length=20)
    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", "Two capital letters (ISO 3166-1 alpha-2).")],
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "addresses"
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="orders_address_newest")
        ]
        constraints = [
            models.CheckConstraint(
                name="orders_address_country",
                condition=Q(Exact(Length("country"), Value(2))) & Q(country=Upper(F("country"))),
            )
        ]

    def __str__(self) -> str:
        return f"{self.line1}, {self.postcode} {self.city}, {self.country}"


class Order(models.Model):
    """What one customer bought at once, at the prices of that moment."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    shipping_address = models.ForeignKey(Address, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    total_amount = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    currency = models.CharField(max_length=3, default="EUR", validators=[currency_code])
    note = models.TextField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    #: When it is cancelled if it is still pending; ``None``: never.
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(status="pending"), name="orders_order_unpaid"
            ),
            models.Index(fields=["-created_at", "-id"], name="orders_order_newest"),
            models.Index(fields=["customer", "-created_at", "-id"], name="orders_order_customer"),
            models.Index(fields=["status", "-created_at", "-id"], name="orders_order_status"),
            models.Index(fields=["total_amount", "id"], name="orders_order_total"),
        ]
        constraints = [
            models.CheckConstraint(
                name="orders_order_status_known",
                condition=Q(status__in=["pending", "paid", "shipped", "cancelled", "refunded"]),
                violation_error_code="invalid_choice",
            ),
            models.CheckConstraint(
                name="orders_order_total_range",
                condition=Q(total_amount__gte=0),
                violation_error_code="min_value",
            ),
            currency_check("orders_order_currency"),
        ]

    def __str__(self) -> str:
        return f"Order {self.pk}"


class OrderItem(models.Model):
    """One product of an order; the price stays when the product's changes."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_items")
    quantity = models.IntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_QUANTITY)]
    )
    unit_price = models.DecimalField(
        max_digits=8, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )

    class Meta:
        constraints = [
            # Its index leads with the order, so the foreign key needs none of its own.
            models.UniqueConstraint(
                name="orders_orderitem_product",
                fields=["order", "product"],
                violation_error_message="The order has this product already.",
            ),
            models.CheckConstraint(
                name="orders_orderitem_quantity_range",
                condition=Q(quantity__range=(1, MAX_QUANTITY)),
                violation_error_code="invalid",
            ),
            models.CheckConstraint(
                name="orders_orderitem_price_range",
                condition=Q(unit_price__gte=0),
                violation_error_code="min_value",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"


class Payment(models.Model):
    """One attempt to pay an order."""

    class Method(models.TextChoices):
        CARD = "card"

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REFUNDED = "refunded"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    amount = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    method = models.CharField(max_length=20, choices=Method, default=Method.CARD)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="orders_payment_one_succeeded",
                fields=["order"],
                condition=Q(status="succeeded"),
                violation_error_message="The order is paid already.",
            ),
            models.CheckConstraint(
                name="orders_payment_amount_range",
                condition=Q(amount__gte=0),
                violation_error_code="min_value",
            ),
            models.CheckConstraint(
                name="orders_payment_method_known",
                condition=Q(method__in=["card"]),
                violation_error_code="invalid_choice",
            ),
            models.CheckConstraint(
                name="orders_payment_status_known",
                condition=Q(status__in=["pending", "succeeded", "failed", "refunded"]),
                violation_error_code="invalid_choice",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} by {self.method}, {self.status}"
