"""The catalogue for the shop's staff."""

from django.contrib import admin

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
