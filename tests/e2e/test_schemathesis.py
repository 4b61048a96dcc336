"""Requests that the API's description allows, and near misses, at every operation of a stack.

For each one: no 5xx, no status, media type or body that `docs/openapi.json` does not name. The
budget is fixed; `SCHEMATHESIS_EXAMPLES` spends more.
"""

import json
import os
import uuid
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from localcloud import openapi
from tests.e2e.customer import CARD_ACCEPTED, Customer

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
document = json.loads(openapi.PATH.read_text(encoding="utf-8"))
schema = schemathesis.openapi.from_dict(document)
schema.config.generation.update(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], with_security_parameters=False
)


@pytest.fixture(scope="module")
def subscriber(endpoints: dict[str, Any]) -> Customer:
    """Somebody signed in who pays."""
    person = Customer(endpoints)
    person.user_id = f"fuzzed-{uuid.uuid4().hex}"
    user = {"sub": person.user_id, "email": person.email, "name": "Ada"}
    person.site.post(f"{endpoints['site']}/_local/session", json=user, timeout=30)
    person.session_id = person.open_checkout()["sessionId"]
    assert person.card(CARD_ACCEPTED)["status"] == "complete"
    assert person.status()["hasActiveSubscription"] is True
    return person


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_an_operation_answers_as_described(case: Case, subscriber: Customer) -> None:
    session = requests.Session()
    session.cookies.update(subscriber.cookies())
    answer = case.call(
        base_url=subscriber.endpoints["api"],
        session=session,
        headers={"Origin": subscriber.endpoints["site"]},
    )
    case.validate_response(answer, checks=CHECKS)
