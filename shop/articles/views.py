"""Articles, and the comments under each."""

from functools import cached_property

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.serializers import BaseSerializer

from backstay.caching import CachePolicy
from shop.articles.models import Article, Comment
from shop.articles.permissions import ARTICLES, COMMENTS
from shop.articles.serializers import ArticleDetail, CommentDetail
from shop.resources import Resource


class ArticleViewSet(Resource):
    """Published articles; drafts are for their author and staff."""

    queryset = Article.objects.all()
    permission_classes = (ARTICLES,)
    serializer_class = ArticleDetail
    cache = CachePolicy(seconds=300, audience="anonymous")

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer, author=self.request.user)


class CommentViewSet(Resource):
    """Comments of one article, newest first, for everyone who can see the article."""

    queryset = Comment.objects.all()
    permission_classes = (COMMENTS,)
    serializer_class = CommentDetail
    cache = CachePolicy(seconds=300, audience="anonymous")

    @cached_property
    def article(self) -> Article:
        visible = Article.objects.visible_to(self.request.user)
        return get_object_or_404(visible, pk=self.kwargs["article_id"])

    def get_queryset(self) -> QuerySet[Comment]:
        comments = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return comments
        return comments.filter(article=self.article)

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer, author=self.request.user, article=self.article)
