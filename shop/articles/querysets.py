"""How articles and comments are read."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Func, IntegerField, OuterRef, QuerySet, Subquery

from shop.accounts.models import User
from shop.articles import models
from shop.articles.permissions import ARTICLES


class ArticleQuerySet(QuerySet["models.Article"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Articles *user* may see."""
        return self.filter(ARTICLES.scope(user, self.model))

    def with_comment_count(self) -> Self:
        """``comment_count``, counted for the rows of the page only."""
        comments = models.Comment.objects.filter(article=OuterRef("pk")).order_by()
        count = Func("pk", function="COUNT", output_field=IntegerField())
        return self.annotate(comment_count=Subquery(comments.annotate(count=count).values("count")))
