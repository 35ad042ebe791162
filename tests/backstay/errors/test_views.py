"""Django's error views, and the pages that explain the codes."""

import pytest
from django.test import RequestFactory, override_settings

from backstay.errors import views
from backstay.errors.codes import CATALOGUE
from backstay.errors.responses import ProblemResponse
from tests.backstay.errors import conftest
from tests.backstay.errors.conftest import assert_problem

pytestmark = pytest.mark.E2


class TestErrorViews:
    @pytest.mark.parametrize(
        ("view", "status", "code"),
        [
            (views.handler400, 400, "parse_error"),
            (views.handler403, 403, "permission_denied"),
            (views.handler404, 404, "not_found"),
        ],
    )
    def test_have_the_shape_without_the_middleware(self, view, status, code):
        response = view(RequestFactory().get("/x/"), exception=Exception("secret")).render()
        assert response.status_code == status
        assert f'"code":"{code}"' in response.content.decode()

    def test_500_has_it_too(self):
        response = views.handler500(RequestFactory().get("/x/"))
        assert isinstance(response, ProblemResponse)
        response.render()
        assert response.status_code == 500
        assert '"code":"internal_error"' in response.content.decode()

    def test_csrf_failure_of_the_admin_stays_html(self):
        response = views.csrf_failure(RequestFactory().post("/admin/login/"), reason="No cookie.")
        assert response.headers["Content-Type"].startswith("text/html")


class TestExplain:
    @pytest.mark.parametrize("code", CATALOGUE)
    def test_every_code_has_a_page(self, api, code):
        page = api.get(f"/errors/{code}", headers={"accept": "text/html"}).content.decode()
        assert CATALOGUE[code].title in page
        assert "://" not in page

    def test_it_is_json_unless_html_is_asked_for(self, api):
        body = api.get("/errors/throttled/").json()
        assert (body["status"], body["title"]) == (429, "Too many requests")
        assert body["advice"]

    def test_a_project_s_own_problem_explains_itself(self, api):
        assert api.get("/errors/out_of_stock").json() == {
            "code": "out_of_stock",
            "status": 409,
            "title": "Not enough stock",
            "meaning": "Fewer units are left than were asked for.",
            "advice": "Order fewer.",
        }

    def test_an_unknown_code_is_not_found(self, api):
        assert_problem(api.get("/errors/nonsense"), 404, "not_found")

    def test_the_type_of_a_problem_leads_there(self, api):
        assert api.get(api.get("/nowhere/").json()["type"]).status_code == 200

    def test_works_without_the_middleware(self, api):
        with override_settings(MIDDLEWARE=conftest.MIDDLEWARE[1:]):
            assert api.get("/errors/nonsense").json()["code"] == "not_found"
