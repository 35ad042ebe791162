"""Articles, and the comments under each."""

from functools import cached_property

from django.shortcuts import get_object_or_404
from rest_framework import viewsets
from rest_framework.serializers import BaseSerializer

from backstay.filtering import DjangoFilterBackend
from backstay.pagination import CursorPagination
from backstay.serializers import ActionSerializersMixin
from shop.articles.models import Article, Comment
from shop.articles.permissions import IsAuthorOrStaff
from shop.articles.querysets import ArticleQuerySet, CommentQuerySet
from shop.articles.serializers import ArticleDetail, CommentDetail

METHODS = ["get", "post", "patch", "delete", "head", "options"]


class ArticleViewSet(ActionSerializersMixin, viewsets.ModelViewSet):
    """Published articles; drafts are for their author and staff."""

    http_method_names = METHODS
    queryset = Article.objects.all()
    permission_classes = (IsAuthorOrStaff,)
    serializer_class = ArticleDetail
    pagination_class = CursorPagination
    filter_backends = (DjangoFilterBackend,)
    lookup_value_converter = "int"

    def get_queryset(self) -> ArticleQuerySet:
        articles = Article.objects.visible_to(self.request.user)
        return articles.select_related("author").with_comment_count()

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save(author=self.request.user)


class CommentViewSet(ActionSerializersMixin, viewsets.ModelViewSet):
    """Comments of one article, newest first, for everyone who can see the article."""

    http_method_names = METHODS
    queryset = Comment.objects.all()
    permission_classes = (IsAuthorOrStaff,)
    serializer_class = CommentDetail
    pagination_class = CursorPagination
    filter_backends = (DjangoFilterBackend,)
    lookup_value_converter = "int"

    @cached_property
    def article(self) -> Article:
        visible = Article.objects.visible_to(self.request.user)
        return get_object_or_404(visible, pk=self.kwargs["article_id"])

    def get_queryset(self) -> CommentQuerySet:
        if getattr(self, "swagger_fake_view", False):
            return Comment.objects.none()
        return Comment.objects.filter(article=self.article)

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save(author=self.request.user, article=self.article)
