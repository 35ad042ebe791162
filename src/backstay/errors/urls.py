"""
The pages that explain each code; include them where ``ERROR_TYPE_BASE`` points.

    path("errors/", include("backstay.errors.urls"))
"""

from django.urls import re_path

from backstay.errors.views import explain

app_name = "backstay-errors"

urlpatterns = [re_path(r"^(?P<code>[a-z0-9_]+)/?$", explain, name="explain")]
