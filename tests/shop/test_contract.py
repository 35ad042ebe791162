"""``manage.py contract``: what was promised is kept, and whoever breaks it is told where."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from backstay.contrib.spectacular import documents
from backstay.versioning import Nest
from shop.environment import ROOT
from shop.orders.serializers import OrderList

pytestmark = [pytest.mark.V1, pytest.mark.M3, pytest.mark.once]


@pytest.fixture(autouse=True)
def places(settings, tmp_path: Path) -> Path:
    """Contracts and built documents of the test's own."""
    settings.BACKSTAY = {
        **settings.BACKSTAY,
        "CONTRACTS": tmp_path / "contracts",
        "DOCUMENTS": tmp_path / "documents",
    }
    return tmp_path


def contract(*arguments: str) -> str:
    out = StringIO()
    call_command("contract", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments: str) -> tuple[int, str, str]:
    """Status, what was said line by line, and the last word."""
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("contract", *arguments, stdout=out, stderr=out)
    return refusal.value.returncode, out.getvalue(), str(refusal.value)


@pytest.fixture
def renamed(monkeypatch) -> None:
    """Somebody calls the total of an order otherwise, and has v1 say it too."""
    changed = (Nest("total", {"amount": "sum", "currency": "currency"}),)
    monkeypatch.setattr(OrderList.Meta, "transforms", {"v2": changed})


class TestCheck:
    def test_what_is_stored_in_the_repository_holds(self, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "CONTRACTS": ROOT / "contracts"}

        said = contract("check").splitlines()

        assert [line.partition(",")[0] for line in said] == [
            "v1: the contract holds",
            "v2: the contract holds",
        ]

    def test_a_renamed_field_is_named_with_its_version(self, renamed, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "CONTRACTS": ROOT / "contracts"}

        status, said, last = refused("check")

        assert status == 1
        assert "v1 GET /api/v1/orders/{id}/ 200 total_amount: is gone from the answer." in said
        assert "v2 " not in said
        assert last == f"Breaking changes: {len(said.splitlines())}. The contract is broken."

    def test_additions_are_counted(self, places):
        contract("freeze")
        stored = places / "contracts" / "v2.json"
        older = json.loads(stored.read_text())
        del older["paths"]["/api/v2/reports/sales/"]
        del older["components"]["schemas"]["TeamDetail"]["properties"]["name"]
        stored.write_text(json.dumps(older))

        v1, v2 = contract("check").splitlines()

        assert v1.endswith("holds, 0 additions.")
        assert not v2.endswith(" 0 additions.")

    @pytest.mark.long
    def test_one_older_document_is_held_against(self, places):
        contract("freeze")
        older = places / "contracts" / "v1.json"
        assert contract("check", "--against", str(older)).startswith("v1: the contract holds")

    def test_a_contract_that_is_not_there_is_status_2(self):
        status, said, last = refused("check")
        assert (status, said) == (2, "")
        assert "freeze" in last

    @pytest.mark.long
    @pytest.mark.parametrize(
        "content", ["", "{", "[]", "{}", '{"openapi": "3.1.0", "paths": []}', "\x00", "null"]
    )
    def test_one_that_is_garbled_is_status_2_in_one_line(self, places, content):
        broken = places / "broken.json"
        broken.write_text(content)
        status, said, last = refused("check", "--against", str(broken))
        assert (status, said) == (2, "")
        assert str(broken) in last
        assert "\n" not in last

    @pytest.mark.long
    @pytest.mark.parametrize(
        "wrong",
        [
            {"paths": {"/api/v1/orders/": None}},
            {"paths": {"/api/v1/orders/": {"get": {}}}},
            {"components": {}},
        ],
    )
    def test_one_that_leads_nowhere_is_status_2_in_one_line(self, places, wrong):
        contract("freeze")
        broken = places / "contracts" / "v1.json"
        broken.write_text(json.dumps({**json.loads(broken.read_text()), **wrong}))
        for arguments in (["check"], ["check", "--against", str(broken)], ["freeze"]):
            status, said, last = refused(*arguments)
            assert (status, said) == (2, ""), arguments
            assert "\n" not in last

    def test_a_version_that_is_gone_is_broken(self, places, settings):
        contract("freeze")
        stored = places / "contracts"
        (stored / "v1.json").rename(stored / "v0.json")
        contract("freeze")

        status, said, _ = refused("check")

        assert status == 1
        assert said.startswith("v0: is gone. Serve it until its sunset, then delete")
        assert len(said.splitlines()) == 1
        assert str(stored / "v0.json") in said

    def test_one_of_no_version_is_status_2(self, places):
        other = places / "other.json"
        other.write_text('{"openapi": "3.1.0", "paths": {}, "info": {"version": "v9"}}')
        assert refused("check", "--against", str(other))[0] == 2


@pytest.mark.long
class TestFreeze:
    def test_it_writes_what_then_holds_in_a_form_for_people(self, places):
        contract("freeze")

        lines = (places / "contracts" / "v1.json").read_text().splitlines()
        assert len(lines) > 5_000
        assert max(map(len, lines)) < 2_500
        assert contract("check").count("holds, 0 additions.") == 2

    def test_it_stores_nothing_that_breaks_what_is_stored(self, places, renamed, monkeypatch):
        broken = (places / "contracts" / "v1.json", places / "contracts" / "v2.json")
        with monkeypatch.context() as before:
            usual = (Nest("total", {"amount": "total_amount", "currency": "currency"}),)
            before.setattr(OrderList.Meta, "transforms", {"v2": usual})
            contract("freeze")
        stored = [path.read_text() for path in broken]

        status, _, last = refused("freeze")

        assert (status, [path.read_text() for path in broken]) == (1, stored)
        assert "--break" in last

        contract("freeze", "--break")
        assert contract("check").count("holds") == 2


class TestBuild:
    @pytest.fixture
    def made(self, monkeypatch) -> Iterator[list[str]]:
        """The versions whose documents are made, in turn."""
        made: list[str] = []
        usual = documents.generate

        def generate(version: str) -> Any:
            made.append(version)
            return usual(version)

        monkeypatch.setattr(documents, "generate", generate)
        documents._document.cache_clear()
        yield made
        documents._document.cache_clear()

    @staticmethod
    def served(version: str, **headers: str) -> Any:
        return APIClient().get("/api/schema/", {"version": version}, headers=headers)

    def test_a_built_document_is_served_and_not_made(self, made):
        contract("build")
        assert made == ["v1", "v2"]

        assert self.served("v1").json()["info"]["version"] == "v1"
        assert made == ["v1", "v2"]

    def test_without_a_file_it_is_made_once(self, made):
        assert len({self.served("v1").content for _ in range(3)}) == 1
        assert made == ["v1"]

    def test_one_that_other_code_built_is_not_served(self, made, places, settings):
        contract("build")
        for path in (places / "documents").iterdir():
            path.write_text("{}")
        settings.SPECTACULAR_SETTINGS = {**settings.SPECTACULAR_SETTINGS, "X": 1}

        assert self.served("v1").json()["info"]["version"] == "v1"
        assert made == ["v1", "v2", "v1"]

    def test_building_again_leaves_nothing_of_what_was(self, places, settings):
        contract("build")
        settings.SPECTACULAR_SETTINGS = {**settings.SPECTACULAR_SETTINGS, "X": 1}
        contract("build")
        assert len(list((places / "documents").iterdir())) == 2

    def test_without_a_place_it_says_so(self, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "DOCUMENTS": None}
        assert "DOCUMENTS" in refused("build")[2]


@pytest.mark.C4
class TestServing:
    @pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi"])
    def test_it_has_a_strong_validator(self, accept):
        first = APIClient().get("/api/schema/?version=v2", headers={"Accept": accept})
        assert first["ETag"].startswith('"')
        assert first["Cache-Control"] == "public, max-age=0, must-revalidate"

        known = {"Accept": accept, "If-None-Match": first["ETag"]}
        again = APIClient().get("/api/schema/?version=v2", headers=known)

        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]

    def test_versions_and_forms_have_validators_of_their_own(self):
        tags = [
            APIClient().get(f"/api/schema/?version={version}", headers={"Accept": accept})["ETag"]
            for version in ("v1", "v2")
            for accept in ("application/json", "application/vnd.oai.openapi")
        ]
        assert len(set(tags)) == 4
