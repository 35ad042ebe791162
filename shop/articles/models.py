"""
Articles, published or drafts, and comments.

An author's account is anonymised and never deleted, so what they wrote keeps its
author; an article that is deleted takes its comments along.
"""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from shop.accounts.models import User
from shop.articles.querysets import ArticleQuerySet


class Article(models.Model):
    """A text; ``internal_notes`` are the staff's."""

    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="articles")
    title = models.CharField(max_length=200)
    body = models.TextField()
    internal_notes = models.TextField(blank=True)
    published = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="articles_article_newest"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(published=True),
                name="articles_article_published",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Comment(models.Model):
    """A reader's words under an article."""

    article = models.ForeignKey(
        Article, on_delete=models.CASCADE, related_name="comments", db_index=False
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    body = models.TextField(max_length=5000)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        # Read in both directions: oldest and newest first.
        indexes = [
            models.Index(fields=["article", "created_at", "id"], name="articles_comment_thread")
        ]

    def __str__(self) -> str:
        return self.body[:50]
