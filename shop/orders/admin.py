"""
Orders for the shop's staff, to look at.

States and money change through ``shop.orders.actions`` only, which keep stock and
payments in step; here they can be read. The note can be corrected.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from shop.orders.models import Address, Customer, Order, OrderItem, Payment


class ReadOnlyInline(admin.TabularInline):
    """Rows that belong to an order, shown and left alone."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OrderItemInline(ReadOnlyInline):
    model = OrderItem
    fields = ["product", "quantity", "unit_price"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("product")


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ["amount", "method", "status", "paid_at"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["id", "customer", "status", "total_amount", "currency", "created_at"]
    list_filter = ["status", "currency", "created_at"]
    list_select_related = ["customer__user"]
    search_fields = ["=id", "customer__user__email"]
    search_help_text = "Number of the order, or the customer's address."
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]
    show_full_result_count = False
    inlines = [OrderItemInline, PaymentInline]
    readonly_fields = [
        "customer",
        "shipping_address",
        "status",
        "total_amount",
        "currency",
        "created_at",
    ]
    fields = [*readonly_fields, "note"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("customer__user", "shipping_address")

    def save_model(self, request: HttpRequest, obj: Order, form: Any, change: bool) -> None:
        """Write the note alone: what became of the order meanwhile must stay."""
        Order.objects.filter(pk=obj.pk).update(note=obj.note)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ["email", "name", "is_blocked"]
    list_filter = ["is_blocked"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__full_name"]
    readonly_fields = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return False


@admin.register(Address)
class AddressAdmin(admin.ModelAdmin):
    """To look at: owners keep their own addresses."""

    list_display = ["line1", "postcode", "city", "country", "user", "archived_at"]
    list_filter = ["country"]
    list_select_related = ["user"]
    search_fields = ["user__email", "line1", "postcode", "city"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Address | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Address | None = None) -> bool:
        return False
