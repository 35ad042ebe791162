"""
Real answers conform to the documents, whoever asks: schemathesis on every operation.

Every check of it but one: that every body its schema allows is accepted. Stock, states
and passwords have rules that no schema can say.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from shop.wsgi import application
from tests.shop import factories

pytestmark = [pytest.mark.M3, pytest.mark.E1, pytest.mark.V1, pytest.mark.long]

EXCLUDED: list[CheckFunction] = [positive_data_acceptance]


@pytest.fixture(params=["anonymous", "customer", "owner", "staff"])
def actor(request) -> str:
    return request.param


@pytest.fixture
def document(
    transactional_db,
    unlimited,
    kept_connection,
    version,
    actor,
    client_of,
    make_order,
    product,
    customer,
) -> Any:
    """
    The version's document; what it names exists, so that more than 404 is met.

    The test has no transaction of its own: a constraint that refuses a row would break it,
    where in production it breaks nothing but the request's.
    """
    make_order(customer, "paid")
    factories.CommentFactory(article__published=True)
    credentials = client_of(actor)._credentials
    schema = schemathesis.openapi.from_wsgi(f"/api/schema/?version={version}", application)
    headers = {"Authorization": credentials["HTTP_AUTHORIZATION"]} if credentials else None
    return schema, headers


def conforms(operation: Any, headers: dict[str, str] | None) -> None:
    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        # Said here, a credential is known to be a good one, whatever else is drawn.
        case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

    check()


def test_answers_conform(document: Any, subtests: pytest.Subtests) -> None:
    schema, headers = document
    for result in schema.get_all_operations():
        operation = result.ok()
        with subtests.test(operation.label):
            conforms(operation, headers)
