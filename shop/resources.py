"""What all versioned resources of the service have in common."""

from typing import Any

from django.utils.cache import patch_vary_headers
from rest_framework import viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.caching import CachedResponsesMixin, CachePolicy, ConditionalMixin
from backstay.errors import FieldError, InvalidInput
from backstay.filtering import DjangoFilterBackend, refuse_unknown_parameters
from backstay.pagination import CursorPagination
from backstay.permissions import PermittedRowsMixin
from backstay.readplan import ReadPlanMixin
from backstay.serializers import ActionSerializersMixin
from backstay.throttling.views import ThrottlesFirstMixin

#: Mounts that serve only those who are logged in, whatever the resource allows.
PRIVATE_MOUNTS = ("mobile/", "partners/")


def colleagues(request: Request, user: Any) -> str | None:
    """An audience: members of one organization, to whom lists of what it has are the same."""
    organization = None if user is None or user.is_staff else getattr(user, "organization", None)
    return None if organization is None else str(organization.pk)


#: For lists of what an organization has.
OF_ORGANIZATION = {"list": CachePolicy(seconds=300, audience=colleagues)}


def refuse_body(request: Request) -> None:
    """
    For what takes none: a body there is a misunderstanding.

    Raises:
        InvalidInput: there is one, and it is not an empty object.
    """
    if request.data:
        names = request.data if isinstance(request.data, dict) else [""]
        raise InvalidInput(
            errors=[
                FieldError(f"/{name}" if name else "", "unknown_field", "Nothing is expected here.")
                for name in names
            ]
        )


class SignedInWhereAsked(BasePermission):
    """Anonymous callers have the public mount."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        match = request.resolver_match
        private = match is not None and match.route.startswith(PRIVATE_MOUNTS)
        return not private or request.user.is_authenticated


class MountedView(ConditionalMixin, ThrottlesFirstMixin, APIView):
    """A view of ``shop.api``, which is mounted once for each way to say the version."""

    #: A limit that a call charges beside those that every call does.
    throttle_scope: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, self)

    def get_permissions(self) -> list[Any]:
        return [SignedInWhereAsked(), *super().get_permissions()]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kw: Any) -> Response:
        """The version may be asked for by ``Accept``, so caches must tell answers apart by it."""
        final = super().finalize_response(request, response, *args, **kw)
        patch_vary_headers(final, ["Accept"])
        return final


class Resource(
    CachedResponsesMixin,
    ReadPlanMixin,
    PermittedRowsMixin,
    ActionSerializersMixin,
    MountedView,
    viewsets.ModelViewSet,
):
    """One kind of object: list, create, retrieve, change what is named, delete."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    #: For any resource and caller, also by a session, and also while Redis is out.
    query_budget = {"list": 8, "retrieve": 8}
    pagination_class: Any = CursorPagination
    filter_backends: Any = (DjangoFilterBackend,)
    lookup_value_converter = "int"
