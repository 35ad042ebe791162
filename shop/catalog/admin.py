"""The catalogue for the shop's staff."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from shop.catalog.models import Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "name", "organization", "price", "currency", "stock", "is_active"]
    list_filter = ["is_active", "currency", "organization"]
    list_select_related = ["organization"]
    search_fields = ["sku", "name"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["created_at"]
    ordering = ["-created_at", "-id"]
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """Write what the form changed: stock that was sold meanwhile must not come back."""
        obj.save(update_fields=form.changed_data if change else None)
