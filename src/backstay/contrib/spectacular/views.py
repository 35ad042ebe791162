"""
Serving the OpenAPI document of each version.

The version is given to each generator, never set in a global, so threads that
serve two versions at once do not see each other's.
"""

from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
)
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.conf import settings


class SchemaView(SpectacularAPIView):
    """The document of ``?version=``, of the oldest version without it; as JSON or YAML."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
    versioning_class = None

    def _get_schema_response(self, request: Request) -> Response:
        version = request.query_params.get("version") or settings.VERSIONS[0]
        if version not in settings.VERSIONS:
            raise NotFound(f"There is no version {version!r} of this API.")
        generator = self.generator_class(urlconf=self.urlconf, api_version=version)
        return Response(generator.get_schema(request=request, public=True))
