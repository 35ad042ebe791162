"""The demo's articles, thirty published and six drafts, and what readers say."""

from datetime import UTC, datetime, timedelta

from shop.accounts.models import User
from shop.articles.models import Article, Comment
from shop.demo.people import CUSTOMERS, SELLERS, STAFF
from shop.demo.words import COLOURS, MATERIALS, THINGS, TOPICS, chooser

WRITTEN = datetime(2025, 3, 1, tzinfo=UTC)
REMARKS = ("Clear and to the point.", "I would like to read more.", "Thank you, this helped.")


def create_articles(seed: int) -> None:
    choose = chooser(seed, "articles")
    authors = _accounts([STAFF, *SELLERS])
    articles = []
    for number in range(36):
        material, thing = choose(MATERIALS).lower(), choose(THINGS).lower()
        written = WRITTEN + timedelta(days=number)
        articles.append(
            Article(
                author=choose(authors),
                title=f"{choose(TOPICS)} a {material} {thing}",
                body=f"Good {material} lasts. A {choose(COLOURS).lower()} {thing} lasts longer.",
                internal_notes="Check the pictures." if number % 5 == 0 else "",
                published=number % 6 != 5,
                created_at=written,
                updated_at=written,
            )
        )
    articles = Article.objects.bulk_create(articles)
    # ``auto_now`` has put in the time of this run.
    for article in articles:
        article.updated_at = article.created_at
    Article.objects.bulk_update(articles, ["updated_at"])
    _create_comments(articles, seed)


def _create_comments(articles: list[Article], seed: int) -> None:
    choose = chooser(seed, "comments")
    readers = _accounts(CUSTOMERS)
    Comment.objects.bulk_create(
        Comment(
            article=article,
            author=choose(readers),
            body=choose(REMARKS),
            created_at=article.created_at + timedelta(hours=hour),
        )
        for article in articles
        if article.published
        for hour in range(1, 2 + choose(range(5)))
    )


def _accounts(emails: list[str]) -> list[User]:
    return list(User.objects.filter(email__in=emails).order_by("pk"))
