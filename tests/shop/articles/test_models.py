"""Who sees which articles and comments."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import ProtectedError

from shop.articles.models import Article, Comment
from tests.shop import factories

pytestmark = pytest.mark.django_db


@pytest.mark.P1
class TestVisibleTo:
    @pytest.fixture(autouse=True)
    def _articles(self, article, draft):
        """One article and one draft of the customer, with a comment each."""
        factories.CommentFactory.create(article=article, body="On the article.")
        factories.CommentFactory.create(article=draft, body="On the draft.")

    @pytest.mark.parametrize("actor", ["anonymous", "other_customer", "customer", "staff"])
    def test_drafts_are_the_authors_and_the_staffs(self, request, actor, article, draft):
        user = AnonymousUser() if actor == "anonymous" else request.getfixturevalue(actor)
        seen = {article, draft} if actor in {"customer", "staff"} else {article}
        assert set(Article.objects.visible_to(user)) == seen


class TestDeleting:
    def test_an_article_takes_its_comments_along(self, comment):
        Article.objects.all().delete()
        assert not Comment.objects.exists()

    def test_an_author_cannot_be_deleted(self, article):
        with pytest.raises(ProtectedError):
            article.author.delete()
