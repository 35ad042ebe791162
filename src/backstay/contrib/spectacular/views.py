"""
Serving the OpenAPI document of each version, as JSON or YAML.

It is the same for every caller, made once a process or before it starts (see
``backstay.contrib.spectacular.documents``), and has a strong ``ETag``.
"""

from django.http import HttpResponse
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
)
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from backstay.caching import ConditionalMixin
from backstay.conf import settings
from backstay.contrib.spectacular.documents import document
from backstay.errors import MalformedRequest

#: Of what a client sent, as much as is repeated to it.
_SHOWN = 40


class SchemaView(ConditionalMixin, SpectacularAPIView):
    """
    The document of ``?version=``, of the oldest version without it.

    ``SPECTACULAR_SETTINGS`` say what is documented and how. ``custom_settings`` of the view
    would hold for all threads for as long as one of them asks, so they are not used.
    """

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
    versioning_class = None

    def _get_schema_response(self, request: Request) -> HttpResponse:
        version, *others = request.query_params.getlist("version") or [""]
        if any(other != version for other in others):
            raise MalformedRequest("Ask for the document of one version.")
        version = version or settings.VERSIONS[0]
        if version not in settings.VERSIONS:
            raise NotFound(f"There is no version {version[:_SHOWN]!r} of this API.")
        renderer = request.accepted_renderer
        response = HttpResponse(
            document(version, renderer.format), content_type=request.accepted_media_type
        )
        name = self._get_filename(request, version)
        response.headers["Content-Disposition"] = f'inline; filename="{name}"'
        response.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
        return response
