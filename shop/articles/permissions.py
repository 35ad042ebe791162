"""Who may write articles and comments."""

from rest_framework.permissions import SAFE_METHODS, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.views import APIView

from shop.articles.models import Article, Comment


class IsAuthorOrStaff(IsAuthenticatedOrReadOnly):
    """Everyone reads, every user writes something new; authors and staff change it."""

    message = "Only the author or staff may change this."

    def has_object_permission(
        self, request: Request, view: APIView, obj: Article | Comment
    ) -> bool:
        if request.method in SAFE_METHODS or request.user.is_staff:
            return True
        return obj.author_id == request.user.pk
