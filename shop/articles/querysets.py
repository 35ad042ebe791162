"""How articles and comments are read."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Func, IntegerField, OuterRef, Q, QuerySet, Subquery

from shop.accounts.models import User
from shop.articles import models


class ArticleQuerySet(QuerySet["models.Article"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """
        Articles *user* may see: the only place that scopes them.

        Published ones for everyone, drafts for their author and for staff.
        """
        if user.is_staff:
            return self.all()
        if not user.is_authenticated:
            return self.filter(published=True)
        return self.filter(Q(published=True) | Q(author=user.pk))

    def with_comment_count(self) -> Self:
        """``comment_count``, counted for the rows of the page only."""
        comments = models.Comment.objects.filter(article=OuterRef("pk")).order_by()
        count = Func("pk", function="COUNT", output_field=IntegerField())
        return self.annotate(comment_count=Subquery(comments.annotate(count=count).values("count")))


class CommentQuerySet(QuerySet["models.Comment"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A comment is seen by whoever sees its article."""
        return self.filter(article__in=models.Article.objects.visible_to(user))
