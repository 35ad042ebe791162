"""A small API that keeps its tenants apart, and its OpenAPI document."""

from typing import Any

from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import action
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.urlpatterns import format_suffix_patterns

from backstay.permissions import (
    HasOrganizationPermission,
    IsOwner,
    IsStaff,
    PermittedRelatedField,
    PermittedRowsMixin,
)
from tests.backstay.testapp.models import Document, Folder

MEMBERS = HasOrganizationPermission(organization="organization")


class DocumentSerializer(serializers.ModelSerializer):
    folder = PermittedRelatedField(rule=MEMBERS, queryset=Folder.objects.all(), required=False)

    class Meta:
        model = Document
        fields = ["id", "title", "folder"]


class Pages(PageNumberPagination):
    page_size = 2


class Documents(PermittedRowsMixin, viewsets.ModelViewSet):
    """A user's own documents, for staff everyone's."""

    authentication_classes = (BasicAuthentication,)
    permission_classes = (IsOwner | IsStaff,)
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    pagination_class = Pages

    def filter_queryset(self, queryset: Any) -> Any:
        query = self.request.query_params
        if self.action == "list" and "folder_id" in query:
            queryset = queryset.filter(folder=query["folder_id"])
        if self.action == "list" and "title" in query:
            queryset = queryset.filter(title=query["title"])
        return queryset

    def perform_create(self, serializer: Any) -> None:
        self.save_permitted(serializer, owner=self.request.user)

    @action(detail=True, methods=["post"])
    def stamp(self, request: Any, **kwargs: Any) -> Response:
        document = self.get_object()
        document.title = "Stamped"
        document.save()
        return Response({})


class FolderDocuments(Documents):
    """The documents in a folder that the caller's organization has."""

    http_method_names = ["get", "head", "options"]

    def filter_queryset(self, queryset: Any) -> Any:
        folders = Folder.objects.filter(MEMBERS.scope(self.request.user, Folder))
        return queryset.filter(folder__in=folders, folder=self.kwargs["folder_pk"])


router = SimpleRouter()
router.register("documents", Documents)
inside = SimpleRouter()
inside.register("documents", FolderDocuments)

urlpatterns = [
    *format_suffix_patterns(router.urls),
    path("folders/<int:folder_pk>/", include(inside.urls)),
]


def operation(answer: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    shown = {"content": {"application/json": {"schema": answer}}} if answer else {}
    return {"responses": {"200": shown}, **members}


DOCUMENT = {"$ref": "#/components/schemas/Document"}
PAGE = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "results": {"type": "array", "items": DOCUMENT},
    },
}
BODY = {"requestBody": {"content": {"application/json": {"schema": DOCUMENT}}}}

OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/documents/": {
            "get": operation(
                PAGE,
                parameters=[
                    {"name": "folder_id", "in": "query", "schema": {"type": "integer"}},
                    {"name": "title", "in": "query", "schema": {"type": "string"}},
                    {"name": "archived", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "state", "in": "query", "schema": {"enum": ["open", "lost"]}},
                ],
            ),
            "post": operation(DOCUMENT, **BODY),
        },
        "/documents/{id}/": {
            "get": operation(DOCUMENT),
            "patch": operation(DOCUMENT, **BODY),
            "delete": operation(),
        },
        "/documents/{id}/stamp/": {"post": operation()},
        "/folders/{folder_pk}/documents/": {"get": operation(PAGE)},
        "/folders/{folder_pk}/documents/{id}/": {"get": operation(DOCUMENT)},
    },
    "components": {
        "schemas": {
            "Document": {
                "type": "object",
                "required": ["id", "title"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "title": {"type": "string"},
                    "folder": {"type": ["integer", "null"]},
                },
            }
        }
    },
}
