"""Who may read and write articles and comments."""

from typing import Any

from django.db.models import Model, Q

from backstay.permissions import IsOwner, IsStaff, ReadOnly, Rule


class Published(Rule):
    """A published article."""

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return Q(published=True)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return bool(obj.published)


WRITERS = IsOwner("author") | IsStaff()

#: Everyone reads what is published; its author and staff also read drafts, and write.
ARTICLES = (ReadOnly() & Published()) | WRITERS

#: Under an article that the caller can see, everyone reads all comments.
COMMENTS = ReadOnly() | WRITERS
