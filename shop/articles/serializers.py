"""Bodies of articles and comments, written for v2."""

from rest_framework import serializers

from backstay.readplan import CountField
from backstay.serializers import ModelSerializer, staff
from backstay.versioning import Collapse, TransformsMixin
from shop.accounts.models import User
from shop.articles.models import Article, Comment


class Author(ModelSerializer):
    full_name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields = ["id", "full_name"]


class ArticleDetail(TransformsMixin, ModelSerializer):
    """An article; its notes are between the staff."""

    author = Author(read_only=True)
    comment_count = CountField("comments")

    class Meta:
        model = Article
        fields = [
            "id",
            "title",
            "body",
            "internal_notes",
            "author",
            "published",
            "comment_count",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["created_at", "updated_at"]
        visible_to = {"internal_notes": staff}
        transforms = {"v2": (Collapse("author", to="id"),)}


class CommentDetail(ModelSerializer):
    """A comment, the same in every version."""

    class Meta:
        model = Comment
        fields = ["id", "author", "body", "created_at"]
        read_only_fields = ["author", "created_at"]
