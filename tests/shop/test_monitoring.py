"""The shop is watched: a line and a metric for each request, rules and charts that fit them."""

import json
import re

import pytest
import yaml
from prometheus_client import REGISTRY

import backstay.contrib.prometheus  # noqa: F401  # Its metrics are there once it is.
from backstay.monitoring import sinks
from backstay.monitoring.logs import log_request
from shop.environment import ROOT
from tests.shop.problems import assert_problem

pytestmark = [pytest.mark.M1, pytest.mark.django_db]

RULES = ROOT / "deploy/prometheus/alerts.yml"
CHARTS = ROOT / "deploy/grafana/backstay.json"


def expressions() -> list[str]:
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    panels = json.loads(CHARTS.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    return [rule["expr"] for rule in rules] + asked


def exported() -> set[str]:
    """Every name that a scrape may show: those of requests, and one for each event."""
    declared = {
        name for collector in REGISTRY._names_to_collectors.items() for name in collector[:1]
    }
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    events = re.findall(r"""\bcount\(\s*"(\w+)\"""", source)
    return declared | {f"backstay_{event}_total" for event in events}


class TestMetrics:
    def test_are_open_without_a_token(self, anonymous):
        response = anonymous.get("/metrics")

        assert response.status_code == 200
        assert "RateLimit" not in response.headers

    def test_are_for_whoever_has_the_token(self, anonymous, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "METRICS_TOKEN": "a token"}

        refused = anonymous.get("/metrics")
        told = anonymous.get("/metrics", HTTP_AUTHORIZATION="Bearer a token")

        assert_problem(refused, 401, "not_authenticated")
        assert told.status_code == 200

    @pytest.mark.once
    def test_every_name_in_rules_and_charts_is_one(self):
        names = {name for text in expressions() for name in re.findall(r"backstay_\w+", text)}

        assert names - exported() == set()
        assert len(names) > 12

    @pytest.mark.once
    def test_every_event_has_one_set_of_labels(self):
        sets: dict[str, set[tuple[str, ...]]] = {}
        for path in (ROOT / "src").rglob("*.py"):
            for event, rest in re.findall(r"""\bcount\(\s*"(\w+)"([^\n]*)""", path.read_text()):
                sets.setdefault(event, set()).add(tuple(sorted(re.findall(r"(\w+)=", rest))))

        assert {event: found for event, found in sets.items() if len(found) > 1} == {}


class TestLines:
    def test_the_shop_writes_one_for_each_request(self):
        assert log_request in sinks._sinks
