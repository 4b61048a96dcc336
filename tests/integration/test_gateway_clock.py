"""`/_local/clock` on the gateway: local Stripe moves, and functions follow without knowing it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcloud.functions.emulators import Emulators
from tests.integration import stripe_fixtures
from tests.integration.local_gateway import RunningGateway, make_config, running_gateway

DAY = 86400


@contextmanager
def running(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway with small functions beside a real local Stripe."""
    config = make_config(tmp_path / "state")
    with (
        stripe_fixtures.running(config),
        running_gateway(tmp_path / "code", config=config) as local,
    ):
        yield local


@pytest.fixture
def local(tmp_path: Path) -> Iterator[RunningGateway]:
    with running(tmp_path) as found:
        yield found


def move(local: RunningGateway, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = local.request("POST", "/_local/clock", body=json.dumps(body).encode())
    return answer.status, answer.json()


def ahead(local: RunningGateway) -> tuple[float, dict[str, Any]]:
    """How far a function is ahead of real time by all its clocks, and the rest of its answer."""
    answer, error = local.invoke("demo-clock")
    assert error is None, answer
    moments = answer["now"]
    assert max(moments) - min(moments) < 2.5, moments
    today = datetime.fromtimestamp(moments[0], UTC).date().isoformat()
    assert answer["day"] == today
    return moments[0] - time.time(), answer


def test_functions_live_at_the_moved_time(local: RunningGateway) -> None:
    assert abs(ahead(local)[0]) < 3
    status, answer = move(local, by="40d")
    assert (status, answer["offset"]) == (200, 40 * DAY)
    found, told = ahead(local)
    assert abs(found - 40 * DAY) < 3
    assert told["switch"] == []
    assert 8000 < told["remaining"] <= 10_000
    assert abs(told["unmoved"][0] - time.monotonic()) < 60
    assert told["unmoved"][1:] == ["1970", "Thu Jan  1 00:00:00 1970"]
    assert json.loads(local.request("GET", "/_local/clock").body)["offset"] == 40 * DAY


def test_the_next_move_needs_no_new_process(local: RunningGateway) -> None:
    move(local, by="1d")
    pid = ahead(local)[1]["pid"]
    move(local, by="1 year")
    found, told = ahead(local)
    assert told["pid"] == pid
    assert found > 365 * DAY


def test_until_it_is_moved_functions_are_left_alone(local: RunningGateway) -> None:
    """A request that cannot be followed changes nothing either."""
    assert move(local, by="yesterday")[0] == 400
    environment, _ = local.invoke("demo-environment")
    assert "functions/moved" not in environment["PYTHONPATH"]
    move(local, by="1d")
    environment, _ = local.invoke("demo-environment")
    assert "functions/moved" in environment["PYTHONPATH"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"by": "-1d"}', "by is seconds, or a duration"),
        (b'{"to": 5}', "only moves forward"),
        (b"{", "not valid JSON"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    local: RunningGateway, body: bytes, sentence: str
) -> None:
    answer = local.request("POST", "/_local/clock", body=body)
    assert answer.status == 400
    assert sentence in answer.json()["message"]


def test_a_page_of_another_site_cannot_move_it(local: RunningGateway) -> None:
    headers = [("Origin", "http://evil.test")]
    answer = local.request("POST", "/_local/clock", headers=headers, body=b'{"by": "1d"}')
    assert answer.status == 403
    assert local.request("GET", "/_local/clock").json()["offset"] == 0


def test_sessions_that_the_gateway_makes_fit_the_moved_time(local: RunningGateway) -> None:
    def sign_in() -> str:
        body = b'{"email": "ada@example.com"}'
        cookie = local.request("POST", "/_local/session", body=body).json()["cookie"]
        return f"{cookie['name']}={cookie['value']}"

    def signed_in(cookie: str) -> bool:
        page = local.request("GET", "/", headers=[("Cookie", cookie)]).body.decode()
        return 'data-signed-in="true"' in page

    before = sign_in()
    assert signed_in(before)
    move(local, by="31d")
    assert not signed_in(before), "a session of a month ago has run out"
    assert signed_in(sign_in())


def test_it_stays_moved_after_a_restart_of_the_gateway(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        move(local, by="40d")
        config = local.config
    with running_gateway(tmp_path / "code2", config=config) as local:
        assert abs(ahead(local)[0] - 40 * DAY) < 3


def test_local_stripe_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        status, answer = move(local, by="1d")
        assert status == 502
        assert answer["message"].startswith("local Stripe does not answer at http://127.0.0.1:")


def test_functions_in_containers_stay_at_real_time(tmp_path: Path) -> None:
    config = make_config(tmp_path, emulators={"demo-echo": "127.0.0.1:9"}, emulator_concurrency=1)
    with running_gateway(tmp_path, config=config) as local:
        assert isinstance(local.gateway.functions, Emulators)
        status, answer = move(local, by="1d")
        assert (status, "containers" in answer["message"]) == (409, True)
        assert not local.gateway.clock.followed


def test_the_built_in_page_says_when_its_dates_are_moved(local: RunningGateway) -> None:
    def foot() -> str:
        return local.request("GET", "/").body.decode().partition("<footer>")[2]

    assert "clock" not in foot()
    assert move(local, by="40d")[0] == 200
    assert "The clock is 40 days ahead" in foot()
