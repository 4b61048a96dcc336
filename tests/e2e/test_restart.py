"""After a restart local Stripe remembers who paid, local AWS starts empty, and both agree."""

import time
from pathlib import Path
from typing import Any

import requests

from localcloud.process import free_ports
from localcloud.stack import Stack
from tests.e2e.customer import CARD_ACCEPTED
from tests.e2e.journey import Journey


def _signed_in(endpoints: dict[str, Any], user_id: str) -> Journey:
    journey = Journey(endpoints)
    journey.user_id = user_id
    answer = journey.site.post(
        f"{endpoints['site']}/_local/session",
        json={"sub": user_id, "email": "ada@example.com", "name": "Ada"},
        timeout=30,
    )
    assert answer.status_code == 200
    return journey


def _paid(endpoints: dict[str, Any], user_id: str) -> Journey:
    journey = _signed_in(endpoints, user_id)
    journey.session_id = journey.open_checkout()["sessionId"]
    assert journey.card(CARD_ACCEPTED)["status"] == "complete"
    return journey


def test_who_paid_before_a_restart_is_let_in_after_it(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with Stack(port=port, state_dir=tmp_path) as stack:
        journey = _paid(stack.endpoints(), "user-who-paid")
        before = journey.status()
        assert before["hasActiveSubscription"] is True
    with Stack(port=port, state_dir=tmp_path) as stack:
        journey = _signed_in(stack.endpoints(), "user-who-paid")
        after = journey.status()
        assert after["hasActiveSubscription"] is True
        assert (
            after["subscription"]["stripeSubscriptionId"]
            == before["subscription"]["stripeSubscriptionId"]
        )
        assert "url" in journey.post("/stripe/portal", {})["data"]
        stranger = _signed_in(stack.endpoints(), "somebody-else")
        assert stranger.status()["hasActiveSubscription"] is False


def test_who_paid_is_let_in_after_a_restart_with_a_moved_clock(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with Stack(port=port, state_dir=tmp_path) as stack:
        _paid(stack.endpoints(), "user-of-later")
        clock = f"{stack.site_url}/_local/clock"
        assert requests.post(clock, json={"by": "40 days"}, timeout=60).status_code == 200
    with Stack(port=port, state_dir=tmp_path) as stack:
        journey = _signed_in(stack.endpoints(), "user-of-later")
        assert journey.status()["hasActiveSubscription"] is True
        offset = requests.get(f"{stack.site_url}/_local/clock", timeout=10).json()["offset"]
        assert offset == 40 * 86_400


def test_endpoints_are_complete_or_not_answered(tmp_path: Path) -> None:
    """A script that waits for this address must never get half of it."""
    import threading

    port = free_ports(1)[0]
    seen: list[tuple[int, bool]] = []
    stop = threading.Event()

    def poll() -> None:
        while not stop.is_set():
            try:
                answer = requests.get(f"http://localhost:{port}/_local/endpoints", timeout=5)
            except requests.ConnectionError:
                time.sleep(0.02)
                continue
            complete = answer.status_code == 200 and all(
                answer.json()[name] for name in ("userPoolId", "userPoolClientId", "issuer")
            )
            seen.append((answer.status_code, complete))
            time.sleep(0.02)

    poller = threading.Thread(target=poll)
    poller.start()
    with Stack(port=port, state_dir=tmp_path):
        time.sleep(0.1)
    stop.set()
    poller.join()
    assert (200, True) in seen
    assert set(seen) <= {(200, True), (503, False)}
