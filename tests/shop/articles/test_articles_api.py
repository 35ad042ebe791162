"""Articles: drafts are their author's, notes are the staff's."""

import pytest

from shop.articles.models import Article
from tests.shop.factories import ArticleFactory, CommentFactory
from tests.shop.problems import assert_problem, steady_headers

FIELDS = {
    "id",
    "title",
    "body",
    "author",
    "published",
    "comment_count",
    "created_at",
    "updated_at",
}
BODY = {"title": "Chairs", "body": "All about chairs."}


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


class TestListArticles:
    @pytest.fixture
    def url(self, api):
        return f"{api}/articles/"

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "sees_draft"),
        [("anonymous", False), ("other_customer", False), ("customer", True), ("staff", True)],
    )
    def test_drafts_are_for_their_author_and_staff(
        self, client_of, url, article, draft, actor, sees_draft
    ):
        assert ids(client_of(actor).get(url)) == [draft.pk] * sees_draft + [article.pk]

    def test_a_row_is_what_the_detail_shows(self, anonymous, url, article):
        body = anonymous.get(url).json()

        assert body.keys() == {"next", "previous", "results"}
        assert body["results"] == [anonymous.get(f"{url}{article.pk}/").json()]

    def test_comments_are_counted_for_each(self, anonymous, url, article):
        CommentFactory.create_batch(3, article=article)
        quiet = ArticleFactory.create()

        counts = {row["id"]: row["comment_count"] for row in anonymous.get(url).json()["results"]}

        assert counts == {article.pk: 3, quiet.pk: 0}

    @pytest.mark.P2
    def test_notes_are_for_staff(self, as_customer, as_staff, url, article):
        assert "internal_notes" not in as_customer.get(url).json()["results"][0]
        assert as_staff.get(url).json()["results"][0]["internal_notes"] == "Check the facts."

    @pytest.mark.L3
    @pytest.mark.parametrize("name", ["author", "published", "ordering", "search", "page"])
    def test_an_unknown_parameter_is_400(self, anonymous, url, name):
        assert_problem(
            anonymous.get(url, {name: "1"}),
            400,
            "validation_error",
            [(f"?{name}", "unknown_parameter")],
        )

    @pytest.mark.L3
    def test_a_page_is_20_rows_and_at_most_100(self, anonymous, customer, url):
        Article.objects.bulk_create(
            Article(author=customer, title="Bulk", body="Bulk", published=True) for _ in range(101)
        )

        assert len(ids(anonymous.get(url))) == 20
        assert len(ids(anonymous.get(url, {"page_size": 1000}))) == 100

    @pytest.mark.L2
    def test_a_walk_sees_every_article_once(self, anonymous, url):
        articles = ArticleFactory.create_batch(5)

        seen, link = [], f"{url}?page_size=2"
        while link:
            response = anonymous.get(link)
            seen += ids(response)
            link = response.json()["next"]

        assert seen == [article.pk for article in reversed(articles)]


class TestReadArticle:
    @pytest.mark.V1
    def test_v1_names_the_author_by_id(self, anonymous, article, customer):
        body = anonymous.get(f"/api/v1/articles/{article.pk}/").json()

        assert body.keys() == FIELDS
        assert body.pop("created_at").endswith("Z")
        assert body.pop("updated_at").endswith("Z")
        assert body == {
            "id": article.pk,
            "title": "Lamps",
            "body": "All about lamps.",
            "author": customer.pk,
            "published": True,
            "comment_count": 0,
        }

    @pytest.mark.V1
    def test_v2_differs_in_the_author_only(self, anonymous, article, customer):
        old = anonymous.get(f"/api/v1/articles/{article.pk}/").json()
        new = anonymous.get(f"/api/v2/articles/{article.pk}/").json()

        assert new == {**old, "author": {"id": customer.pk, "full_name": "Customer One"}}

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 404), ("other_customer", 404), ("customer", 200), ("staff", 200)],
    )
    def test_a_draft(self, client_of, api, draft, actor, status):
        assert client_of(actor).get(f"{api}/articles/{draft.pk}/").status_code == status

    @pytest.mark.P1
    def test_a_foreign_draft_is_exactly_like_missing(self, as_other_customer, api, draft):
        url, same = f"{api}/articles/{draft.pk}/", {"HTTP_X_REQUEST_ID": "same"}
        foreign = as_other_customer.get(url, **same)
        draft.delete()
        missing = as_other_customer.get(url, **same)

        assert foreign.status_code == 404
        assert foreign.content == missing.content
        assert steady_headers(foreign) == steady_headers(missing)

    @pytest.mark.P2
    @pytest.mark.parametrize(
        ("actor", "sees_notes"),
        [("anonymous", False), ("customer", False), ("owner", False), ("staff", True)],
    )
    def test_notes_are_for_staff_not_for_the_author(
        self, client_of, api, article, actor, sees_notes
    ):
        body = client_of(actor).get(f"{api}/articles/{article.pk}/").json()
        assert ("internal_notes" in body) == sees_notes


class TestCreateArticle:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.post(f"{api}/articles/", BODY), 401, "not_authenticated")

    def test_a_user_writes_a_draft_of_their_own(self, as_customer, customer, api):
        response = as_customer.post(f"{api}/articles/", BODY)

        assert response.status_code == 201
        article = Article.objects.get()
        assert (article.author, article.published) == (customer, False)
        assert response["Location"] == f"{api}/articles/{article.pk}/"
        assert as_customer.get(response["Location"]).json() == response.json()

    def test_a_user_may_publish_at_once(self, as_customer, anonymous, api):
        response = as_customer.post(f"{api}/articles/", {**BODY, "published": True})
        assert anonymous.get(response["Location"]).status_code == 200

    @pytest.mark.P2
    def test_nobody_writes_in_anothers_name(self, as_customer, customer, other_customer, api):
        body = {**BODY, "author": other_customer.pk, "id": 999, "comment_count": 7}
        assert as_customer.post(f"{api}/articles/", body).status_code == 201
        assert Article.objects.get().author == customer

    @pytest.mark.P2
    def test_notes_are_an_unknown_field_but_for_staff(self, as_customer, as_staff, api):
        body = {**BODY, "internal_notes": "Check."}

        assert_problem(
            as_customer.post(f"{api}/articles/", body),
            400,
            "validation_error",
            [("/internal_notes", "unknown_field")],
        )
        assert as_staff.post(f"{api}/articles/", body).json()["internal_notes"] == "Check."

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("change", "errors"),
        [
            ({"title": ""}, [("/title", "blank")]),
            ({"title": "x" * 201}, [("/title", "max_length")]),
            ({"body": None}, [("/body", "null")]),
            ({"body": ["text"]}, [("/body", "invalid_type")]),
            ({"published": "yes"}, [("/published", "invalid_type")]),
            ({"publishd": True}, [("/publishd", "unknown_field")]),
        ],
    )
    def test_a_bad_value_is_400(self, as_customer, api, change, errors):
        response = as_customer.post(f"{api}/articles/", {**BODY, **change})
        assert_problem(response, 400, "validation_error", errors)


class TestChangeArticle:
    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("other_customer", 403), ("customer", 200), ("staff", 200)],
    )
    def test_its_author_and_staff_may(self, client_of, api, article, actor, status):
        response = client_of(actor).patch(f"{api}/articles/{article.pk}/", {"title": "Changed"})

        assert response.status_code == status
        article.refresh_from_db()
        assert (article.title == "Changed") == (status == 200)

    @pytest.mark.P1
    def test_a_foreign_draft_is_404(self, as_other_customer, api, draft):
        response = as_other_customer.patch(f"{api}/articles/{draft.pk}/", {"title": "x"})
        assert_problem(response, 404, "not_found")

    @pytest.mark.E3
    def test_nothing_else_changes(self, as_customer, api, article, comment):
        url = f"{api}/articles/{article.pk}/"
        before = as_customer.get(url).json()

        after = as_customer.patch(url, {"title": "Changed"}).json()

        assert after["updated_at"] > before["updated_at"]
        assert after == {**before, "title": "Changed", "updated_at": after["updated_at"]}
        article.refresh_from_db()
        assert article.internal_notes == "Check the facts."

    @pytest.mark.P2
    def test_the_author_cannot_write_notes(self, as_customer, api, article):
        response = as_customer.patch(f"{api}/articles/{article.pk}/", {"internal_notes": "x"})
        assert_problem(response, 400, "validation_error", [("/internal_notes", "unknown_field")])

    @pytest.mark.P2
    def test_what_is_read_only_is_ignored(self, as_customer, api, article, customer):
        before = as_customer.get(f"{api}/articles/{article.pk}/").json()
        changes = {"id": 999, "author": 999, "comment_count": 7, "created_at": "x"}

        after = as_customer.patch(f"{api}/articles/{article.pk}/", changes).json()

        assert after == {**before, "updated_at": after["updated_at"]}

    def test_to_withdraw_it_hides_it(self, as_customer, anonymous, api, article):
        url = f"{api}/articles/{article.pk}/"
        as_customer.patch(url, {"published": False})
        assert_problem(anonymous.get(url), 404, "not_found")


class TestDeleteArticle:
    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("other_customer", 403), ("customer", 204), ("staff", 204)],
    )
    def test_its_author_and_staff_may(self, client_of, api, article, comment, actor, status):
        assert client_of(actor).delete(f"{api}/articles/{article.pk}/").status_code == status
        assert Article.objects.exists() == (status != 204)

    def test_an_id_is_never_used_again(self, as_customer, api):
        first = as_customer.post(f"{api}/articles/", BODY)
        as_customer.delete(first["Location"])
        second = as_customer.post(f"{api}/articles/", BODY)
        assert second.json()["id"] > first.json()["id"]
