"""
Secrets that are sent through the whole service, and looked for wherever they must not be.

Every operation of the document is called as several actors with the same distinctive
password, tokens, cookie, card number and e-mail address in its body, its query and its
headers; then whatever was logged, counted, kept, queued or said about an error is searched.
"""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from rest_framework.test import APIClient

from backstay import counters, store
from backstay.caching.backends.local import local as answers
from backstay.contrib.celery import CeleryRelay
from backstay.contrib.structlog import logging_configuration
from backstay.monitoring import Record, add_sink, remove_sink
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Relay
from shop.accounts.models import User
from tests.shop import factories

PASSWORD = "Canary-Passw0rd-7391"
EMAIL = "canary.7391@bird.example"
CARD = "4929 7391 0412 7397"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjczOTF9.Y2FuYXJ5LTczOTEtc2lnbmF0dXJl"
COOKIE = "canarycookie7391"

#: By which each would be found, however it were written.
SIGNS = (
    "Canary-Pass",
    "canary.7391",
    "bird.example",
    "4929 7391",
    "4929739104127397",
    "4929-7391",
    "eyJ",
    COOKIE,
)

HEADERS = {
    "User-Agent": f"{EMAIL} {CARD}",
    # Made of what such an id may have.
    "X-Request-ID": CARD.replace(" ", "-"),
    "traceparent": EMAIL,
    "Referer": f"https://shop.example/?token={TOKEN}",
    "X-Forwarded-For": EMAIL,
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that the service writes, as in production but for the level: DEBUG."""
    formatter = dict(logging_configuration("json")["formatters"]["lines"])
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger()
    held, level = root.handlers, root.level
    root.handlers = [handler]
    # Not DEBUG: statements with their parameters are logged there, for who asks for it.
    root.setLevel("INFO")
    yield handler.stream
    root.handlers = held
    root.setLevel(level)


@pytest.fixture
def records() -> Iterator[list[Record]]:
    made: list[Record] = []
    add_sink(made.append)
    yield made
    remove_sink(made.append)


class Bird:
    """Flies through the service, and notes what came back about errors."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.operations = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method in {"get", "post", "patch", "put", "delete"}
        ]
        self.components = document["components"]["schemas"]
        self.errors: list[str] = []
        self.statuses: set[int] = set()

    def fly(self, client: APIClient, ids: dict[str, Any]) -> None:
        for method, path, operation in self.operations:
            place = path.replace("{version}", "v2")
            for name, value in ids.items():
                place = place.replace(f"{{{name}}}", f"{value}")
            # What the document shares (``$ref``) are headers.
            query = {
                p["name"]: EMAIL for p in operation.get("parameters", ()) if p.get("in") == "query"
            }
            for parameters in ({}, query, {"token": TOKEN, "password": PASSWORD, "q": CARD}):
                for body in self.bodies(operation):
                    self.send(client, method, place, parameters, body)

    def bodies(self, operation: dict[str, Any]) -> list[Any]:
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return [None]
        schema = content["application/json"]["schema"]
        properties = self.properties(schema)
        told = {name: self.value(name) for name in properties}
        extra = {"password": PASSWORD, "card_number": CARD, "email": EMAIL, "token": TOKEN}
        return [told, {**told, **extra}, [extra], f'{{"password": "{PASSWORD}", ']

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        return schema.get("properties", {})

    def value(self, name: str) -> Any:
        if "password" in name:
            return PASSWORD
        if "email" in name:
            return EMAIL
        if name in {"refresh", "token", "access"}:
            return TOKEN
        return {"quantity": 1, "items": [{"product": 1, "quantity": 1}]}.get(name, CARD)

    def send(self, client: APIClient, method: str, path: str, query: Any, body: Any) -> None:
        target = f"{path}?" + "&".join(f"{name}={value}" for name, value in query.items())
        text = body if isinstance(body, str) else json.dumps(body)
        response = client.generic(
            method.upper(),
            target.rstrip("?"),
            "" if body is None else text,
            "application/json",
            headers=HEADERS,
        )
        self.statuses.add(response.status_code)
        if response.status_code >= 400:
            self.errors.append(f"{response.status_code} {response.content.decode()}")


def kept() -> str:
    """Everything that a cache or the store holds, as text."""
    redis = store.store()
    if redis is None:
        entries = [f"{key} {one.data!r} {one.tags}" for key, one in answers._entries.items()]
        return "\n".join(entries)
    names = redis.call("KEYS", "*")
    return "\n".join(f"{name!r} {redis.call('DUMP', name)!r}" for name in names)


def found_in(text: str) -> list[str]:
    """The signs that are in *text*, with what stands around them."""
    places = ((sign, text.find(sign)) for sign in SIGNS)
    return [f"{sign}: …{text[max(0, at - 200) : at + 100]}…" for sign, at in places if at >= 0]


@pytest.fixture
def published() -> Iterator[Celery]:
    """A Celery whose broker is this process."""
    app = Celery("canary", broker="memory://", include=["backstay.contrib.celery"])
    app.conf.task_default_queue = "canary"
    app.set_current()
    app.set_default()
    yield app
    app.close()


def messages(app: Celery) -> str:
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        taken = []
        while (message := channel.basic_get("canary", no_ack=True)) is not None:
            taken.append(f"{message.body!r} {message.headers} {message.properties}")
    return "\n".join(taken)


@pytest.mark.M1
@pytest.mark.E2
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_secrets_stay_where_they_belong(
    log,
    records,
    published,
    settings,
    unlimited,
    anonymous,
    signed_in,
    organization,
    make_order,
    product,
):
    settings.ROOT_URLCONF = "tests.shop.failing_urls"
    canary = factories.UserFactory.create(email=EMAIL, first_name="Ada")
    canary.set_password(PASSWORD)
    canary.save()
    factories.MembershipFactory.create(organization=organization, role="owner", user=canary)
    staff = factories.StaffFactory.create(email="staff@bird.example")
    order = make_order(canary)
    document = anonymous.get("/api/schema/?version=v2", HTTP_ACCEPT="application/json").json()
    bird = Bird(document)
    ids = {"id": order.pk, "article_id": 1, "pk": order.pk, "user_id": canary.pk}

    clients = [anonymous, signed_in(canary), signed_in(staff)]
    for client in clients:
        client.raise_request_exception = False
        client.cookies["sessionid"] = client.cookies["access"] = COOKIE
        bird.fly(client, ids)
    for client in (*clients, APIClient(headers={"authorization": f"Bearer {TOKEN}"})):
        client.raise_request_exception = False
        for path in ("mistake/", "unserializable/", "outage/", "telling/", f"{EMAIL}/{TOKEN}/"):
            told = {"password": PASSWORD, "card": CARD}
            bird.send(client, "post", f"/fails/{path}", {"password": PASSWORD}, told)
            bird.send(client, "get", f"/fails/{path}", {"token": TOKEN}, None)
    login = APIClient().post("/api/token/", {"email": EMAIL, "password": PASSWORD})
    wrong = APIClient().post("/api/token/", {"email": EMAIL, "password": f"{PASSWORD}!"})
    new = {"email": f"new.{EMAIL}", "password": PASSWORD, "password_confirm": PASSWORD}
    names = {"first_name": "A", "last_name": "B"}
    opened = APIClient().post("/api/v1/users/", {**new, **names})
    rows = [f"{row}" for row in QueuedJob.objects.values()]
    CeleryRelay().drain()
    Relay().drain()
    metrics = anonymous.get("/metrics").content.decode()

    # The flight went where it was to go: nothing below is about silence.
    assert {200, 400, 401, 403, 404, 405, 500} <= bird.statuses
    assert (login.status_code, wrong.status_code, opened.status_code) == (200, 401, 202)
    assert User.objects.filter(email=f"new.{EMAIL}").exists()
    assert len(records) > 300
    assert "Traceback" in log.getvalue()
    assert rows
    assert kept() or store.store() is None

    places = {
        "logs": log.getvalue(),
        "records": "\n".join(map(repr, records)),
        "metrics": metrics,
        "counters": f"{counters.every_count()}",
        "caches": kept(),
        "outbox": "\n".join(rows),
        "broker": messages(published),
        "errors": "\n".join(bird.errors),
    }
    assert places["broker"]
    assert {name: found for name, text in places.items() if (found := found_in(text))} == {}
