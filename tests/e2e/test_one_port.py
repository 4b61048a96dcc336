"""A stack of which only the gateway's port can be reached, as in `docker compose`."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from localcloud.stack import Stack
from tests.e2e.journey import Journey

PARTS = ("aws", "stripe", "bedrock", "lambda")


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("one-port"), one_port=True) as running:
        yield running.endpoints()


@pytest.fixture(scope="module")
def customer(endpoints: dict[str, Any]) -> Journey:
    """Somebody who has walked the whole journey through that one port, and holds a subscription."""
    journey = Journey(endpoints)
    for _, step in journey.steps():
        step()
    return journey


def test_the_journey_needs_no_other_port(endpoints: dict[str, Any], customer: Journey) -> None:
    site = urlsplit(endpoints["site"])
    addresses = {name: urlsplit(endpoints[name]) for name in (*PARTS, "issuer", "webhookUrl")}
    assert {address.port for address in addresses.values()} == {site.port}
    assert customer.status()["hasActiveSubscription"] is True


def test_the_issuer_publishes_its_keys_at_its_own_address(endpoints: dict[str, Any]) -> None:
    found = requests.get(f"{endpoints['issuer']}/.well-known/openid-configuration", timeout=10)
    document = found.json()
    assert document["issuer"] == endpoints["issuer"]
    (key,) = requests.get(document["jwks_uri"], timeout=10).json()["keys"]
    assert key["alg"] == "RS256"


def test_a_browser_may_upload_to_the_presigned_address(
    endpoints: dict[str, Any], customer: Journey
) -> None:
    data = customer.post(
        "/upload/url", {"filename": "a b.csv", "contentType": "text/csv", "size": 3}
    )["data"]
    allowed = requests.options(
        data["uploadUrl"],
        headers={
            "Origin": endpoints["site"],
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
        timeout=10,
    )
    assert allowed.headers["Access-Control-Allow-Origin"] == endpoints["site"]
    sent = requests.put(
        data["uploadUrl"],
        data=b"a,b",
        headers={"Content-Type": "text/csv", "Origin": endpoints["site"]},
        timeout=10,
    )
    assert (sent.status_code, sent.headers["Access-Control-Allow-Origin"]) == (
        200,
        endpoints["site"],
    )


def test_an_sdk_may_ask_for_the_endpoint_itself(customer: Journey) -> None:
    # A request without a path: `<endpoint>` and not `<endpoint>/`, which is signed as it is.
    buckets = [bucket["Name"] for bucket in customer.s3.list_buckets()["Buckets"]]
    assert customer.endpoints["uploadsBucket"] in buckets


def test_the_portals_forms_work_below_the_prefix(customer: Journey) -> None:
    address = customer.post("/stripe/portal", {})["data"]["url"]
    page = requests.get(address, timeout=10)
    plan = re.search(r'name="cancel" value="([^"]+)"', page.text)
    assert plan, page.text
    asked = requests.get(address, params={"cancel": plan[1]}, timeout=10)
    action = re.search(r'method="post" action="([^"]+)"', asked.text)
    assert action, asked.text
    done = requests.post(
        urljoin(address, action[1]),
        data={"subscription": plan[1]},
        headers={"Origin": customer.endpoints["site"]},
        timeout=10,
    )
    assert done.status_code == 200, done.text
    assert "Your plan has been canceled." in done.text


def test_the_parts_still_refuse_strangers(endpoints: dict[str, Any]) -> None:
    stranger = {"Origin": "http://evil.example"}
    for address in (
        f"{endpoints['aws']}/_local/reset",
        f"{endpoints['stripe']}/_local/reset",
        f"{endpoints['lambda']}/2015-03-31/functions/users-api/invocations",
    ):
        assert requests.post(address, headers=stranger, timeout=10).status_code == 403, address
    rebound = {"Host": "rebound.example"}
    assert requests.get(endpoints["aws"], headers=rebound, timeout=10).status_code == 403


def test_the_invoke_api_answers_below_the_prefix(endpoints: dict[str, Any]) -> None:
    answer = requests.post(
        f"{endpoints['lambda']}/2015-03-31/functions/nobody/invocations", data=b"{}", timeout=10
    )
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (
        404,
        "ResourceNotFoundException",
    )
