"""The version stands in the path."""

import pytest
from django.test import override_settings

pytestmark = pytest.mark.V1


class TestPathVersioning:
    @pytest.mark.parametrize("version", ["v1", "v2", "v3"])
    def test_the_path_says_it(self, api, version):
        assert api.get(f"/{version}/which/").json() == version

    def test_without_one_the_newest_is_meant(self, api):
        assert api.get("/which/").json() == "v3"

    @pytest.mark.parametrize("version", ["v0", "v4", "V1", "1", "v1.0", "v%00", "é", "v" * 5000])
    def test_an_unknown_version_is_404(self, api, version):
        response = api.get(f"/{version}/which/")

        assert response.status_code == 404
        assert response.json()["code"] == "not_found"

    def test_the_versions_are_a_setting(self, api):
        with override_settings(BACKSTAY={"VERSIONS": ["v1", "v9"]}):
            assert api.get("/v9/which/").json() == "v9"
            assert api.get("/v2/which/").status_code == 404
