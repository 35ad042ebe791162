"""
No actor learns of what is not theirs, on any route of the documents, however it is asked for.

The routes come from the OpenAPI documents, so a new one is walked without a word here.
One whose path has an id of something new fails until ``resources`` has one of it.
"""

import logging

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from backstay.permissions import EVERY_ROW
from backstay.testing import Actor, IncompleteWalk, Resource, assert_isolated
from shop.accounts.models import Invitation
from tests.shop import factories

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.P1,
    pytest.mark.usefixtures("unlimited"),
]

DOMAINS = ("accounts", "catalog", "orders", "articles")
SELLERS = ("owner", "manager", "member")
ELSEWHERE = ("customer", "other_owner")
ACTORS = ("anonymous", "customer", "other_owner", *SELLERS, "staff")

#: Values that a schema does not tell, and that make the rest of a body right.
EXAMPLES = {"country": "AT", "currency": "EUR", "quantity": 1}

#: Where a document's paths are served, and who walks there: everybody on its own mount, and
#: where the same views answer again, one with and one without an organization.
MOUNTS = {
    "api/v1": ("v1", "/api/v1/", {}, ACTORS),
    "api/v2": ("v2", "/api/v2/", {}, ACTORS),
    "mobile": ("v2", "/mobile/", {"HTTP_ACCEPT": "application/json; version=2"}, ELSEWHERE),
    "partners/v1": ("v1", "/partners/v1/", {}, ELSEWHERE),
}


@pytest.fixture(autouse=True)
def quiet():
    """A walk is refused thousands of times; the log has nothing to add."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def resources(
    customer, other_customer, organization, owner, member, other_owner, product, hidden_product,
    address, foreign_address, order, foreign_order, article, comment,
):  # fmt: skip  # A table of what there is.
    """What belongs to the other customer and to the selling organization, and to nobody else."""
    draft = factories.ArticleFactory.create(
        author=other_customer, title="Unpublished", published=False
    )
    hidden_comment = factories.CommentFactory.create(article=draft, author=other_customer)
    rival = other_owner.organization
    team = factories.TeamFactory.create(organization=organization)
    invitation = Invitation.objects.create(
        organization=organization, email="new@shop.example", invited_by=owner, token_hash="0"
    )
    members = (*SELLERS, "staff")

    def at_rival(pk):
        return {"other_owner": pk}

    return [
        Resource(
            "orders",
            foreign=foreign_order.pk,
            seen_by=["staff"],
            visible={"customer": order.pk},
            finders={"customer_email": other_customer.email},
        ),
        Resource("addresses", foreign=foreign_address.pk, visible={"customer": address.pk}),
        # Staff do not read addresses, and ship to those of any customer.
        Resource(
            "shipping addresses",
            foreign=foreign_address.pk,
            seen_by=["staff"],
            visible={"customer": address.pk},
            references=["shipping_address"],
        ),
        Resource(
            "customers",
            foreign=other_customer.customer.pk,
            seen_by=["staff"],
            visible={"customer": customer.customer.pk},
            references=["customer"],
        ),
        Resource(
            "products",
            foreign=hidden_product.pk,
            seen_by=members,
            visible=product.pk,
            references=["product"],
            finders={"search": hidden_product.name},
        ),
        Resource("articles", foreign=draft.pk, seen_by=["staff"], visible=article.pk),
        Resource("comments", foreign=hidden_comment.pk, seen_by=["staff"], visible=comment.pk),
        Resource(
            "users",
            foreign=other_customer.pk,
            seen_by=["staff"],
            visible={"customer": customer.pk},
            references=["user"],
        ),
        Resource(
            "organizations",
            foreign=organization.pk,
            seen_by=members,
            visible=at_rival(rival.pk),
            references=["organization"],
        ),
        Resource(
            "members",
            foreign=member.membership.pk,
            seen_by=members,
            visible=at_rival(other_owner.membership.pk),
        ),
        Resource(
            "sessions",
            foreign=session_of(other_customer),
            missing="00000000-0000-4000-8000-000000000000",
            visible={"customer": session_of(customer)},
        ),
        Resource("invitations", foreign=invitation.pk, seen_by=["owner"]),
        Resource(
            "teams",
            foreign=team.pk,
            seen_by=members,
            visible=at_rival(factories.TeamFactory.create(organization=rival).pk),
            references=["team"],
        ),
    ]


def session_of(user):
    """One more session of *user*."""
    issue_tokens(user)
    return str(Family.objects.filter(user=user).latest("created_at").pk)


def every_row():
    """Every row of every model of the shop."""
    models = [model for domain in DOMAINS for model in apps.get_app_config(domain).get_models()]
    return [list(model._base_manager.order_by("pk").values_list()) for model in models]


def document_of(version):
    return APIClient().get("/api/schema/", {"version": version}).json()


@pytest.mark.parametrize(
    "mount",
    # The older version and the other mounts have the same views and the same rules; the long
    # run walks them on every backend.
    [
        pytest.param("api/v2", marks=pytest.mark.once),
        *(pytest.param(name, marks=pytest.mark.long) for name in MOUNTS if name != "api/v2"),
    ],
)
def test_a_foreign_object_is_like_a_missing_one(mount, resources, client_of):
    version, prefix, headers, names = MOUNTS[mount]

    def actor(name):
        def client():
            api = client_of(name)
            api._credentials |= headers
            return api

        return Actor(name, client)

    assert_isolated(
        document_of(version),
        actors=[actor(name) for name in names],
        resources=resources,
        snapshot=every_row,
        examples=EXAMPLES,
        mounted=lambda path: path.replace(f"/api/{version}/", prefix),
    )


@pytest.mark.once
class TestTheWalkItself:
    """It would find what it is there for."""

    def walk(self, resources, client_of):
        return assert_isolated(
            document_of("v2"),
            actors=[Actor("customer", lambda: client_of("customer"))],
            resources=resources,
            snapshot=every_row,
            examples=EXAMPLES,
        )

    def test_an_order_that_everyone_sees(self, resources, client_of, monkeypatch):
        monkeypatch.setattr("backstay.permissions.IsOwner.rows", lambda *_, **__: EVERY_ROW)

        with pytest.raises(AssertionError, match="/orders/ as customer: holds orders"):
            self.walk(resources, client_of)

    @pytest.mark.parametrize("name", ["orders", "products", "comments"])
    def test_a_route_with_an_id_of_something_new(self, resources, client_of, name):
        known = [resource for resource in resources if resource.name != name]

        with pytest.raises(IncompleteWalk, match=rf"needs a Resource\('{name}', …\)"):
            self.walk(known, client_of)
