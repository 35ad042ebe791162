"""
One walk through every endpoint of the shop: what is asked, by whom, and what is answered.

It starts from the same rows at the same moment, so each answer is the same whenever and
wherever it is walked. What cannot be (tokens, and ids that are drawn) is replaced.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework.test import APIClient
from time_machine import Traveller

from shop.accounts.models import Invitation, Membership, User
from tests.shop import factories
from tests.shop.factories import PASSWORD

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
REQUEST_ID = "6f1c1b0c3a5e4d0e8a7c2f9b1d3e5f70"

#: A token of either type, an invitation's, an id that is drawn and a cursor, whose form is nobody's
#: business, by what stands in their places.
DRAWN = {
    "cursor=WyJuIiwiMjAyNi0wOS0wMSJd": r"cursor=[^&]+",
    "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJl": r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    "Q9vYw3q0m1bT7uXo2sRk5nJc8dLe4aHf6gZi0pEtVyU": r"^[\w-]{43}$",
    "01890a5d-ac96-774b-bcce-b302099a8057": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as golden files hold them."""

    actor: str
    method: str
    path: str
    sent: Any
    #: The path as the OpenAPI document has it.
    template: str
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def resource(self) -> str:
        return next(part for part in self.path.split("/")[2:] if not re.fullmatch(r"v\d", part))

    @property
    def name(self) -> str:
        """As ``backstay.contrib.spectacular.examples`` names it."""
        return f"{self.method} {self.template} {self.status}"

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"request": f"{self.method} {self.path}", "as": self.actor}
        if self.sent is not None:
            told["sent"] = self.sent
        return {**told, "status": self.status, "headers": dict(self.headers), "body": self.body}


class Walk:
    """Asks once a second, and keeps what was answered."""

    def __init__(
        self, version: str, sign_in: Callable[[User], APIClient], clock: Traveller
    ) -> None:
        self.version = version
        self.sign_in = sign_in
        self.clock = clock
        self.users: dict[str, User] = {}
        self.exchanges: list[Exchange] = []

    def ask(
        self, actor: str, method: str, path: str, body: Any = None, **headers: str
    ) -> dict[str, Any]:
        """What *actor* is answered; *path* is below the version, or begins with a slash."""
        where = path if path.startswith("/") else f"/api/{self.version}/{path}"
        known = User.objects.filter(pk=self.users[actor].pk).first() if actor != "anyone" else None
        client = self.sign_in(known) if known else APIClient()
        self.clock.shift(1)
        sent = {"X-Request-ID": REQUEST_ID, **headers}
        response: Any = getattr(client, method.lower())(where, body, headers=sent)
        # What is replaced must still be what the next request says.
        answer = _body(response)
        kept = Exchange(
            actor, method, where, _steady(body), _template(response, self.version),
            response.status_code, _headers(response), _steady(answer),
        )  # fmt: skip
        self.exchanges.append(kept)
        return answer if isinstance(answer, dict) else {}


def _body(response: Any) -> Any:
    if response.streaming:
        return response.getvalue().decode()
    if not response.content:
        return None
    return response.json() if "json" in response["Content-Type"] else response.content.decode()


def _steady(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _steady(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_steady(value) for value in told]
    if isinstance(told, str):
        for instead, drawn in DRAWN.items():
            told = re.sub(drawn, instead, told)
    return told


def _headers(response: Any) -> dict[str, str]:
    shown = ("Content-Type", "Location", "WWW-Authenticate", "Retry-After", "Idempotency-Replayed")
    return {name: response[name] for name in shown if name in response.headers}


def _template(response: Any, version: str) -> str:
    route = response.resolver_match.route.replace("<str:version>", version)
    named = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
    return "/" + named.replace("{pk}", "{id}")


# --- the rows it starts from -------------------------------------------------------


def people() -> dict[str, User]:
    """Each actor; the free organization has room for no more products."""
    seller = factories.OrganizationFactory.create(name="Bridge Street Lamps", plan="pro")
    small = factories.OrganizationFactory.create(name="Corner Shop", plan="free")
    found = {
        "ada": _user("ada", "Ada", "Example"),
        "customer": _user("grace", "Grace", "Sample"),
        "owner": _user("olivia", "Olivia", "Owner"),
        "member": _user("max", "Max", "Member"),
        "free_owner": _user("frida", "Frida", "Free"),
        "staff": factories.StaffFactory.create(
            email="staff@shop.example", first_name="Sam", last_name="Staff"
        ),
    }
    for name, organization, role in (
        ("owner", seller, "owner"), ("member", seller, "member"), ("free_owner", small, "owner"),
    ):  # fmt: skip
        Membership.objects.create(user=found[name], organization=organization, role=role)
    for number in range(1, 4):
        factories.ProductFactory.create(
            organization=seller, sku=f"LAMP-{number}", name=f"Lamp {number}",
            description="Light for a desk.", price=Decimal("12.50") * number, stock=50,
        )  # fmt: skip
    for number in range(10):
        factories.ProductFactory.create(
            organization=small, sku=f"SOLD-{number}", name="Sold out", is_active=False, stock=0
        )
    return {name: User.objects.get(pk=user.pk) for name, user in found.items()}


def _user(login: str, first: str, last: str) -> User:
    return factories.UserFactory.create(
        email=f"{login}@shop.example", first_name=first, last_name=last
    )


# --- the walk ----------------------------------------------------------------------


def walk(version: str, sign_in: Callable[[User], APIClient], clock: Traveller) -> list[Exchange]:
    """All exchanges of *version*, from an empty database."""
    walked = Walk(version, sign_in, clock)
    walked.users = people()
    for part in (_tokens, _users, _organizations, _products, _orders, _articles, _closing):
        part(walked)
    return walked.exchanges


def _tokens(walk: Walk) -> None:
    login = {"email": "ada@shop.example", "password": PASSWORD}
    pair = walk.ask("anyone", "POST", "/api/token/", login)
    walk.ask("anyone", "POST", "/api/token/", {**login, "password": "wrong"})
    walk.ask("anyone", "POST", "/api/token/", {"email": "ada@shop.example"})
    walk.ask("anyone", "POST", "/api/token/verify/", {"token": pair["access"]})
    walk.ask("anyone", "POST", "/api/token/verify/", {"token": "broken"})
    pair = walk.ask("anyone", "POST", "/api/token/refresh/", {"refresh": pair["refresh"]})
    walk.ask("anyone", "POST", "/api/token/refresh/", {"refresh": "broken"})
    proof = {"Sec-Fetch-Site": "same-origin"}
    walk.ask("anyone", "POST", "/api/token/cookie/", login, **proof)
    walk.ask("anyone", "POST", "/api/token/cookie/", login)
    walk.ask("anyone", "POST", "/api/token/cookie/refresh/", {}, **proof)
    walk.ask("anyone", "POST", "/api/token/cookie/logout/", {}, **proof)
    walk.ask("ada", "GET", "/api/token/sessions/")
    walk.ask("ada", "DELETE", "/api/token/sessions/00000000-0000-4000-8000-000000000000/")
    walk.ask("anyone", "POST", "/api/token/logout/", {"refresh": pair["refresh"]})
    walk.ask("customer", "POST", "/api/token/logout-all/")


def _users(walk: Walk) -> None:
    account = {
        "email": "new@shop.example",
        "password": "correct horse battery",
        "password_confirm": "correct horse battery",
        "first_name": "Nell",
        "last_name": "New",
    }
    walk.ask("anyone", "POST", "users/", account)
    walk.ask("anyone", "POST", "users/", {**account, "email": "none", "password_confirm": "x"})
    walk.ask("owner", "GET", "users/?page_size=1")
    walk.ask("owner", "GET", f"users/{walk.users['member'].pk}/")
    walk.ask("ada", "GET", f"users/{walk.users['member'].pk}/")
    walk.ask("member", "GET", "users/me/")
    walk.ask("anyone", "GET", "users/me/")
    walk.ask("ada", "PATCH", "users/me/", {"first_name": "Augusta"})
    walk.ask("ada", "PATCH", "users/me/", {"email": "other@shop.example"})
    changed = {"password": "staple battery horse", "password_confirm": "staple battery horse"}
    walk.ask("free_owner", "POST", "users/me/password/", {"current_password": PASSWORD, **changed})
    walk.ask("member", "POST", "users/me/password/", {"current_password": "wrong", **changed})


def _organizations(walk: Walk) -> None:
    member = Membership.objects.get(user=walk.users["member"])
    own = f"organizations/{member.organization_id}/"
    walk.ask("owner", "GET", own)
    walk.ask("ada", "GET", own)
    walk.ask("owner", "PATCH", own, {"name": "Bridge Street Lights"})
    walk.ask("member", "PATCH", own, {"name": "Mine"})
    walk.ask("owner", "PATCH", own, {"plan": "gold"})
    walk.ask("owner", "POST", "teams/", {"name": "Sales"})
    walk.ask("owner", "POST", "teams/", {"name": "Sales"})
    walk.ask("owner", "POST", "teams/", {})
    walk.ask("member", "POST", "teams/", {"name": "Mine"})
    walk.ask("owner", "GET", "teams/")
    walk.ask("owner", "GET", "teams/1/")
    walk.ask("owner", "GET", "teams/99/")
    walk.ask("owner", "PATCH", "teams/1/", {"name": "Shop floor"})
    walk.ask("owner", "GET", f"{own}members/")
    walk.ask("owner", "GET", f"{own}members/{member.pk}/")
    walk.ask("owner", "PATCH", f"{own}members/{member.pk}/", {"role": "manager", "team": 1})
    walk.ask("owner", "PATCH", f"{own}members/{member.pk}/", {"role": "king"})
    walk.ask("owner", "DELETE", f"{own}members/99/")
    walk.ask("owner", "POST", f"{own}invitations/", {"email": "ada@shop.example"})
    walk.ask("owner", "POST", f"{own}invitations/", {"email": "none"})
    walk.ask("owner", "POST", f"{own}invitations/", {"email": "max@shop.example"})
    walk.ask("owner", "GET", f"{own}invitations/")
    walk.ask("owner", "GET", f"{own}invitations/1/")
    walk.ask("ada", "POST", "invitations/accept/", {"token": "unknown"})
    token = Invitation.objects.get(pk=1).token()
    joined = walk.ask("ada", "POST", "invitations/accept/", {"token": token})
    walk.ask("owner", "DELETE", f"{own}members/{joined['id']}/")
    walk.ask("owner", "POST", f"{own}invitations/", {"email": "grace@shop.example"})
    walk.ask("owner", "DELETE", f"{own}invitations/2/")
    walk.ask("owner", "POST", f"{own}leave/")
    walk.ask("owner", "DELETE", "teams/1/")


def _price(walk: Walk, amount: str) -> Any:
    return amount if walk.version == "v1" else {"amount": amount, "currency": "EUR"}


def _products(walk: Walk) -> None:
    lamp = {"sku": "LAMP-9", "name": "Lamp 9", "price": _price(walk, "9.50"), "stock": 7}
    walk.ask("anyone", "GET", "products/?page_size=2&ordering=price")
    walk.ask("anyone", "GET", "products/?search=lamp&in_stock=true&price_min=20")
    walk.ask("anyone", "GET", "products/?colour=red")
    walk.ask("anyone", "GET", "products/?page=99")
    walk.ask("anyone", "GET", "products/1/")
    walk.ask("anyone", "GET", "products/99/")
    made = walk.ask("owner", "POST", "products/", lamp)
    walk.ask("owner", "POST", "products/", lamp)
    walk.ask("owner", "POST", "products/", {"name": "Lamp", "price": _price(walk, "-1")})
    walk.ask("free_owner", "POST", "products/", {**lamp, "sku": "ELEVENTH"})
    walk.ask("customer", "POST", "products/", lamp)
    walk.ask("owner", "PATCH", f"products/{made['id']}/", {"price": _price(walk, "8.00")})
    walk.ask("owner", "PATCH", f"products/{made['id']}/", {}, **{"If-Match": '"other"'})
    walk.ask("owner", "DELETE", f"products/{made['id']}/")


def _orders(walk: Walk) -> None:
    home = {"line1": "1 Bridge Street", "city": "Eastford", "postcode": "10000", "country": "AT"}
    walk.ask("ada", "POST", "addresses/", home)
    walk.ask("ada", "POST", "addresses/", {**home, "country": "Austria"})
    walk.ask("ada", "POST", "addresses/", {**home, "line2": "2nd floor"})
    walk.ask("ada", "GET", "addresses/")
    walk.ask("ada", "GET", "addresses/1/")
    walk.ask("customer", "GET", "addresses/1/")
    walk.ask("ada", "PATCH", "addresses/2/", {"city": "Westford"})
    walk.ask("ada", "DELETE", "addresses/2/")

    two = [{"product": 1, "quantity": 2}, {"product": 2, "quantity": 1}]
    wanted = {"items": two, "shipping_address": 1, "note": "Leave it with the neighbours."}
    key = {"Idempotency-Key": "order-1"}
    walk.ask("ada", "POST", "orders/", wanted, **key)
    walk.ask("ada", "POST", "orders/", wanted, **key)
    walk.ask("ada", "POST", "orders/", {**wanted, "note": ""}, **key)
    walk.ask("ada", "POST", "orders/", {**wanted, "items": [{"product": 1, "quantity": 0}]})
    walk.ask("ada", "POST", "orders/", {**wanted, "items": [{"product": 1, "quantity": 99}]})
    walk.ask("anyone", "POST", "orders/", wanted)
    walk.ask("ada", "POST", "orders/", {**wanted, "items": [{"product": 3, "quantity": 1}]})
    walk.ask("ada", "GET", "orders/?page_size=1")
    walk.ask("ada", "GET", "orders/?cursor=broken")
    walk.ask("staff", "GET", "orders/?status=pending&ordering=total_amount")
    walk.ask("ada", "GET", "orders/1/")
    walk.ask("customer", "GET", "orders/1/")
    walk.ask("ada", "GET", "orders/1/", None, Accept="text/html")
    walk.ask("ada", "PATCH", "orders/1/", {"note": "Ring twice."})
    walk.ask("ada", "PATCH", "orders/1/", {"status": "paid"})
    walk.ask("ada", "POST", "orders/1/pay/", {"method": "card"})
    walk.ask("ada", "POST", "orders/1/pay/", {"method": "gold"})
    walk.ask("ada", "POST", "orders/1/cancel/")
    walk.ask("ada", "POST", "orders/1/ship/")
    walk.ask("staff", "POST", "orders/1/ship/")
    walk.ask("staff", "POST", "orders/1/refund/")
    walk.ask("ada", "POST", "orders/2/cancel/")
    walk.ask("ada", "DELETE", "orders/1/")
    walk.ask("ada", "DELETE", "orders/2/")
    walk.ask("staff", "GET", "orders/export/")
    walk.ask("staff", "GET", "orders/export/?format=csv")
    walk.ask("free_owner", "GET", "orders/export/")
    walk.ask("staff", "GET", "reports/sales/?from=2026-08-31&to=2026-09-01")
    walk.ask("staff", "GET", "reports/sales/?from=yesterday")
    walk.ask("ada", "GET", "reports/sales/")


def _articles(walk: Walk) -> None:
    article = {"title": "On lamps", "body": "All about lamps.", "published": True}
    walk.ask("customer", "POST", "articles/", article)
    walk.ask("customer", "POST", "articles/", {"title": ""})
    walk.ask("anyone", "POST", "articles/", article)
    walk.ask("staff", "PATCH", "articles/1/", {"internal_notes": "Check the facts."})
    walk.ask("anyone", "POST", "articles/1/comments/", {"body": "First."})
    walk.ask("ada", "POST", "articles/1/comments/", {"body": "First."})
    walk.ask("ada", "POST", "articles/1/comments/", {})
    walk.ask("anyone", "GET", "articles/1/comments/")
    walk.ask("anyone", "GET", "articles/1/comments/1/")
    walk.ask("ada", "PATCH", "articles/1/comments/1/", {"body": "Second."})
    walk.ask("customer", "PATCH", "articles/1/comments/1/", {"body": "Mine."})
    walk.ask("anyone", "GET", "articles/99/comments/")
    walk.ask("anyone", "GET", "articles/")
    walk.ask("anyone", "GET", "articles/1/")
    walk.ask("anyone", "GET", "articles/99/")
    walk.ask("staff", "GET", "articles/1/")
    walk.ask("ada", "DELETE", "articles/1/comments/1/")
    walk.ask("customer", "DELETE", "articles/1/")


def _closing(walk: Walk) -> None:
    """What ends an account comes last."""
    member = Membership.objects.get(user=walk.users["member"])
    walk.ask("member", "POST", f"organizations/{member.organization_id}/leave/")
    walk.ask("ada", "DELETE", "users/me/")


def reset_sequences() -> None:
    """So that rows have the same names whatever was made before."""
    for kind in vars(factories).values():
        if isinstance(kind, type) and issubclass(kind, factories.DjangoModelFactory):
            kind.reset_sequence(0, force=True)


assert settings.LANGUAGE_CODE == "en-us", "The files hold what the service says in English."
