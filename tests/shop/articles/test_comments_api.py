"""Comments: seen by whoever sees the article, changed by who wrote them and by staff."""

import pytest

from shop.articles.models import Comment
from tests.shop.factories import ArticleFactory, CommentFactory
from tests.shop.problems import assert_problem, steady_headers


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


@pytest.fixture
def url(api, article):
    return f"{api}/articles/{article.pk}/comments/"


class TestListComments:
    @pytest.mark.parametrize("actor", ["anonymous", "other_customer", "customer", "staff"])
    def test_everyone_reads_them_newest_first(self, client_of, url, article, comment, actor):
        newer = CommentFactory.create(article=article)
        CommentFactory.create()

        response = client_of(actor).get(url)

        assert ids(response) == [newer.pk, comment.pk]

    def test_a_comment_is_the_same_in_every_version(self, anonymous, url, comment, customer):
        (row,) = anonymous.get(url).json()["results"]

        assert row.pop("created_at").endswith("Z")
        assert row == {"id": comment.pk, "author": customer.pk, "body": "First."}

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 404), ("other_customer", 404), ("customer", 200), ("staff", 200)],
    )
    def test_a_draft_hides_its_comments(self, client_of, api, draft, actor, status):
        comment = CommentFactory.create(article=draft)
        url = f"{api}/articles/{draft.pk}/comments/"

        assert client_of(actor).get(url).status_code == status
        assert client_of(actor).get(f"{url}{comment.pk}/").status_code == status

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("method", "body"), [("get", None), ("head", None), ("post", {"body": "x"})]
    )
    def test_hidden_is_exactly_like_missing(self, as_other_customer, api, draft, method, body):
        url = f"{api}/articles/{draft.pk}/comments/"

        def answer():
            return getattr(as_other_customer, method)(url, body, HTTP_X_REQUEST_ID="same")

        hidden = answer()
        draft.delete()
        missing = answer()

        assert hidden.status_code == 404
        assert hidden.content == missing.content
        assert steady_headers(hidden) == steady_headers(missing)

    @pytest.mark.L2
    def test_a_walk_sees_every_comment_once(self, anonymous, url, article):
        comments = CommentFactory.create_batch(5, article=article)

        seen, link = [], f"{url}?page_size=2"
        while link:
            response = anonymous.get(link)
            seen += ids(response)
            link = response.json()["next"]

        assert seen == [comment.pk for comment in reversed(comments)]

    @pytest.mark.L3
    def test_a_page_is_20_rows_and_at_most_100(self, anonymous, customer, url, article):
        Comment.objects.bulk_create(
            Comment(article=article, author=customer, body="Bulk") for _ in range(101)
        )

        assert len(ids(anonymous.get(url))) == 20
        assert len(ids(anonymous.get(url, {"page_size": 1000}))) == 100

    @pytest.mark.L3
    @pytest.mark.parametrize("name", ["author", "ordering", "article"])
    def test_an_unknown_parameter_is_400(self, anonymous, url, name):
        assert_problem(
            anonymous.get(url, {name: "1"}),
            400,
            "validation_error",
            [(f"?{name}", "unknown_parameter")],
        )


class TestCreateComment:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.post(url, {"body": "x"}), 401, "not_authenticated")

    @pytest.mark.parametrize("actor", ["other_customer", "customer", "member", "staff"])
    def test_every_user_may(self, client_of, url, article, actor, anonymous):
        response = client_of(actor).post(url, {"body": "Well said."})

        assert response.status_code == 201
        comment = Comment.objects.get()
        assert (comment.article, comment.author_id) == (article, response.json()["author"])
        assert response["Location"] == f"{url}{comment.pk}/"
        assert anonymous.get(response["Location"]).json() == response.json()

    @pytest.mark.P2
    def test_nobody_writes_in_anothers_name(self, as_customer, customer, other_customer, url):
        body = {"body": "x", "author": other_customer.pk, "id": 999}
        assert as_customer.post(url, body).json()["author"] == customer.pk

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, [("/body", "required")]),
            ({"body": " "}, [("/body", "blank")]),
            ({"body": "x" * 5001}, [("/body", "max_length")]),
            ({"body": 7}, [("/body", "invalid_type")]),
            ({"body": "x", "article": 1}, [("/article", "unknown_field")]),
        ],
    )
    def test_a_bad_value_is_400(self, as_customer, url, body, errors):
        assert_problem(as_customer.post(url, body), 400, "validation_error", errors)


class TestOneComment:
    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("other_customer", 403), ("customer", 200), ("staff", 200)],
    )
    def test_who_wrote_it_and_staff_change_it(self, client_of, url, comment, actor, status):
        response = client_of(actor).patch(f"{url}{comment.pk}/", {"body": "Changed."})

        assert response.status_code == status
        comment.refresh_from_db()
        assert (comment.body == "Changed.") == (status == 200)

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("other_customer", 403), ("customer", 204), ("staff", 204)],
    )
    def test_who_wrote_it_and_staff_delete_it(self, client_of, url, comment, actor, status):
        assert client_of(actor).delete(f"{url}{comment.pk}/").status_code == status
        assert Comment.objects.exists() == (status != 204)

    @pytest.mark.P3
    def test_the_author_of_the_article_does_not(self, as_customer, url, article):
        comment = CommentFactory.create(article=article)
        assert_problem(as_customer.delete(f"{url}{comment.pk}/"), 403, "permission_denied")

    @pytest.mark.P1
    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_it_is_found_under_its_own_article_only(self, as_staff, api, comment, method):
        elsewhere = f"{api}/articles/{ArticleFactory.create().pk}/comments/{comment.pk}/"
        assert_problem(getattr(as_staff, method)(elsewhere), 404, "not_found")
