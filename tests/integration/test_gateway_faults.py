"""`/_local/faults` on the gateway: one place for the faults of all parts."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration import bedrock_server, stripe_fixtures
from tests.integration.aws_fixtures import LocalAws
from tests.integration.local_gateway import RunningGateway, make_config, running_gateway

ONE_OF_EACH: dict[str, str] = {
    "stripe": "throttle",
    "webhooks": "drop",
    "bedrock": "stream_error",
    "aws": "latency",
}


@pytest.fixture(scope="module")
def whole(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway beside real parts."""
    path = tmp_path_factory.mktemp("faults")
    with bedrock_server.serving() as bedrock:
        config = replace(
            make_config(path / "state"),
            aws_port=aws.config.aws_port,
            bedrock_port=urlsplit(bedrock.url).port or 0,
        )
        with (
            stripe_fixtures.running(config),
            running_gateway(path / "code", config=config) as local,
        ):
            yield local


@pytest.fixture
def gateway(whole: RunningGateway) -> Iterator[RunningGateway]:
    yield whole
    ask(whole, "DELETE")


def ask(local: RunningGateway, method: str, body: Any = None, query: str = "") -> Any:
    """The JSON of an answer with status 200."""
    status, found = answered(local, method, body, query)
    assert status == 200, found
    return found


def answered(
    local: RunningGateway, method: str, body: Any = None, query: str = ""
) -> tuple[int, Any]:
    sent = b"" if body is None else json.dumps(body).encode()
    answer = local.request(method, f"/_local/faults{query}", body=sent)
    return answer.status, answer.json()


def arm_one_of_each(local: RunningGateway) -> dict[str, str]:
    """Ids by part."""
    return {
        part: ask(local, "POST", {"part": part, "kind": kind})["id"]
        for part, kind in ONE_OF_EACH.items()
    }


def armed(local: RunningGateway) -> list[str]:
    return [each["part"] for each in ask(local, "GET")["armed"]]


def test_every_part_is_armed_shown_and_disarmed(gateway: RunningGateway) -> None:
    arm_one_of_each(gateway)
    shown = ask(gateway, "GET")
    assert {each["part"]: each["kind"] for each in shown["armed"]} == ONE_OF_EACH
    assert shown["down"] == []
    assert ask(gateway, "DELETE") == {"disarmed": 4, "down": []}
    assert armed(gateway) == []


def test_one_part_or_one_fault_is_disarmed(gateway: RunningGateway) -> None:
    ids = arm_one_of_each(gateway)
    ask(gateway, "POST", {"part": "aws", "kind": "throttle"})
    query = f"?part=aws&id={ids['aws']}"
    assert ask(gateway, "DELETE", query=query) == {"disarmed": 1}
    assert armed(gateway) == ["stripe", "webhooks", "bedrock", "aws"]
    assert ask(gateway, "DELETE", query="?part=stripe") == {"disarmed": 1}
    assert armed(gateway) == ["webhooks", "bedrock", "aws"]
    assert ask(gateway, "DELETE", query="?part=aws&id=fault_999999") == {"disarmed": 0}


def test_an_armed_fault_strikes_at_its_part(gateway: RunningGateway, aws: LocalAws) -> None:
    wanted = {"part": "aws", "kind": "throttle", "on": "ssm:*", "code": "TooManyUpdates"}
    ask(gateway, "POST", wanted)
    ssm = aws.client("ssm")
    with pytest.raises(ssm.exceptions.TooManyUpdates):
        ssm.describe_parameters()
    spent = ask(gateway, "GET")["spent"][0]
    assert {name: spent[name] for name in (*wanted, "struck")} == {**wanted, "struck": 1}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ([], "A fault is a JSON object."),
        ({"kind": "throttle"}, "part must be one of aws, bedrock, stripe, webhooks."),
        (
            {"part": "moon", "kind": "throttle"},
            "part must be one of aws, bedrock, stripe, webhooks.",
        ),
        ({"part": ["aws"]}, "part must be one of aws, bedrock, stripe, webhooks."),
        (
            {"part": "bedrock", "kind": "slow", "seconds": -1},
            "seconds must be a number from 0 to 3600.",
        ),
    ],
)
def test_what_is_no_fault_is_refused(gateway: RunningGateway, wanted: Any, sentence: str) -> None:
    assert answered(gateway, "POST", wanted) == (400, {"message": sentence})
    assert armed(gateway) == []


def test_what_cannot_be_disarmed_is_refused(gateway: RunningGateway) -> None:
    status, found = answered(gateway, "DELETE", query="?id=fault_1")
    assert (status, "name the part, too" in found["message"]) == (400, True)
    status, found = answered(gateway, "DELETE", query="?part=moon")
    assert (status, found["message"]) == (
        400,
        "part must be one of aws, bedrock, stripe, webhooks.",
    )
    malformed = gateway.request("POST", "/_local/faults", body=b"{")
    assert (malformed.status, malformed.json()) == (
        400,
        {"message": "The body is not valid JSON."},
    )


def test_another_site_arms_nothing(gateway: RunningGateway) -> None:
    body = json.dumps({"part": "aws", "kind": "throttle"}).encode()
    foreign = [("Origin", "https://evil.example")]
    assert gateway.request("POST", "/_local/faults", headers=foreign, body=body).status == 403
    assert gateway.request("DELETE", "/_local/faults", headers=foreign).status == 403
    assert gateway.request("GET", "/_local/faults", host="evil.example").status == 403
    own = [("Origin", gateway.config.site_url)]
    assert gateway.request("POST", "/_local/faults", headers=own, body=body).status == 200


def test_a_part_that_is_down_is_named(aws: LocalAws, tmp_path: Path) -> None:
    config = replace(make_config(tmp_path / "state"), aws_port=aws.config.aws_port)
    with running_gateway(tmp_path / "code", config=config) as local:
        ask(local, "POST", {"part": "aws", "kind": "throttle"})
        shown = ask(local, "GET")
        assert [each["part"] for each in shown["armed"]] == ["aws"]
        where = f"{config.bedrock_url}/_local/faults"
        assert [each["part"] for each in shown["down"]] == ["stripe", "webhooks", "bedrock"]
        assert shown["down"][2]["message"] == f"local Bedrock does not answer at {where}"
        status, found = answered(local, "POST", {"part": "bedrock", "kind": "throttle"})
        assert (status, found) == (502, {"message": f"local Bedrock does not answer at {where}"})
        found = ask(local, "DELETE")
        assert (found["disarmed"], len(found["down"])) == (1, 3)


class Stranger(BaseHTTPRequestHandler):
    """Answers everything with an empty list."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def test_somebody_else_at_a_parts_port_is_no_part(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        config = replace(make_config(tmp_path / "state"), bedrock_port=stranger.server_port)
        with running_gateway(tmp_path / "code", config=config) as local:
            told = {each["part"]: each["message"] for each in ask(local, "GET")["down"]}
        stranger.shutdown()
    where = f"{config.bedrock_url}/_local/faults"
    assert told["bedrock"] == f"local Bedrock does not speak of faults at {where}"
