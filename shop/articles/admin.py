"""Articles and comments for the shop's staff."""

from django.contrib import admin

from shop.articles.models import Article, Comment


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "published", "created_at", "updated_at"]
    list_filter = ["published", "created_at"]
    list_select_related = ["author"]
    search_fields = ["title", "author__email"]
    autocomplete_fields = ["author"]
    readonly_fields = ["created_at", "updated_at"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]


@admin.register(Comment)
class CommentAdmin(admin.ModelAdmin):
    list_display = ["__str__", "article", "author", "created_at"]
    list_select_related = ["article", "author"]
    search_fields = ["body", "author__email", "article__title"]
    raw_id_fields = ["article"]
    autocomplete_fields = ["author"]
    readonly_fields = ["created_at"]
    ordering = ["-created_at", "-id"]
    show_full_result_count = False
