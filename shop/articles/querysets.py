"""How articles and comments are read."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from shop.accounts.models import User
from shop.articles.permissions import ARTICLES

if TYPE_CHECKING:
    from shop.articles.models import Article  # noqa: F401  # Named in a string below.


class ArticleQuerySet(QuerySet["Article"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Articles *user* may see."""
        return self.filter(ARTICLES.scope(user, self.model))
