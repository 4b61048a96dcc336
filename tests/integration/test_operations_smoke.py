"""The smoke test and the doctor's look at the site: one thing is wrong at a time."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud.process import free_ports
from operations import smoke
from operations.doctor import site as doctor
from operations.findings import Finding
from tests.integration.site_server import (
    HEADERS,
    Reply,
    Site,
    expected,
    healthy,
    offers,
    refused,
    serving,
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as found:
        yield found


def _failed(site: Site, **changes: object) -> list[Finding]:
    found = list(smoke.findings(f"{site.url}/backend", expected(**changes)))
    return [finding for finding in found if finding.state != "ok"]


def test_a_right_deployment_passes_every_check(site: Site) -> None:
    found = list(smoke.findings(f"{site.url}/backend", expected()))
    assert [finding.check for finding in found] == [
        "health of ai",
        "health of billing",
        "health of users",
        "plans",
        "anonymous status",
        "unsigned webhook",
        "unknown address",
    ]
    assert {finding.state for finding in found} == {"ok"}


CACHED = {**HEADERS, "Cache-Control": "max-age=60"}
HTML = Reply(200, "<html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("route", "reply", "check", "said"),
    [
        (
            "GET /backend/health/users",
            healthy("users", imageDigest="sha256:old"),
            "health of users",
            "runs sha256:old, but sha256:users was deployed",
        ),
        (
            "GET /backend/health/ai",
            healthy("ai", version="beef"),
            "health of ai",
            "says version beef, but c0ffee was deployed",
        ),
        (
            "GET /backend/health/billing",
            refused(503, "table_unavailable"),
            "health of billing",
            "answered 503 instead of 200",
        ),
        (
            "GET /backend/health/billing",
            replace(healthy("billing"), headers=CACHED),
            "health of billing",
            "Cache-Control max-age=60 instead of no-store",
        ),
        ("GET /backend/plans", HTML, "plans", "something else than our API"),
        (
            "GET /backend/plans",
            Reply(200, {"success": True, "data": [{**offers()[0], "amount": 1}, *offers()[1:]]}),
            "plans",
            "differs from lib/saas/plans.toml",
        ),
        (
            "GET /backend/subscription/status",
            Reply(200, {"success": True, "data": {}}),
            "anonymous status",
            "answered 200 instead of 401",
        ),
        (
            "GET /backend/subscription/status",
            Reply(401, {"message": "Unauthorized"}),
            "anonymous status",
            "something else than our API",
        ),
        (
            "POST /backend/stripe/webhook",
            Reply(200, {"received": True}),
            "unsigned webhook",
            "answered 200 instead of 400",
        ),
        (
            "POST /backend/stripe/webhook",
            refused(500, "internal_error"),
            "unsigned webhook",
            "answered 500 instead of 400",
        ),
        (
            "GET /backend/there-is-no-such-route",
            Reply(404, {"message": "Not Found"}),
            "unknown address",
            "something else than our API",
        ),
        (
            "GET /backend/there-is-no-such-route",
            Reply(301, "", {**HEADERS, "Location": "/"}),
            "unknown address",
            "answered 301 instead of 404",
        ),
    ],
)
def test_whatever_is_wrong_fails_its_own_check_alone(
    site: Site, route: str, reply: Reply, check: str, said: str
) -> None:
    site.replies[route] = reply
    (failed,) = _failed(site)
    assert (failed.check, failed.state) == (check, "problem")
    assert said in failed.text


def test_an_environment_may_sell_less(site: Site) -> None:
    starter = offers()[:1]
    site.replies["GET /backend/plans"] = Reply(200, {"success": True, "data": starter})
    assert not _failed(site, price_keys=frozenset({"price_starter_monthly"}))
    (failed,) = _failed(site)
    assert failed.check == "plans"


def test_before_the_webhook_has_a_secret_this_is_said_instead_of_failing(site: Site) -> None:
    site.replies["POST /backend/stripe/webhook"] = refused(500, "internal_error")
    (failed,) = _failed(site, webhook_ready=False)
    assert (failed.state, failed.remedy) == ("warning", "make stripe-setup ENV=dev")


def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    found = list(smoke.findings(f"http://127.0.0.1:{port}/backend", expected()))
    assert {finding.state for finding in found} == {"problem"}
    assert all("does not answer" in finding.text for finding in found)


def test_a_healthy_site_satisfies_the_doctor(site: Site) -> None:
    found = [doctor.pages(site.url), doctor.same_origin(site.url), doctor.delivery(site.url)]
    assert [finding.state for finding in found] == ["ok"] * 3


def _to(place: str, status: int = 308) -> Reply:
    return Reply(status, "", {"Location": place})


@pytest.mark.parametrize(
    ("reply", "state", "said"),
    [
        (_to("https://www.example.com/"), "problem", "sends people on to https://www.example.com/"),
        (_to("/dashboard", 307), "ok", "answers 307"),
        (Reply(502), "problem", "answers 502"),
        (Reply(404), "warning", "answers 404"),
    ],
)
def test_a_site_that_is_elsewhere_or_down(site: Site, reply: Reply, state: str, said: str) -> None:
    site.replies["GET /"] = reply
    found = doctor.pages(site.url)
    assert found.state == state
    assert said in found.text


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HTML, "is not answered by the API (200)"),
        (Reply(404, "<html>"), "is not answered by the API (404)"),
        (_to("https://api.example.com/health/users"), "redirects to https://api.example.com/"),
        (refused(503, "table_unavailable"), "the API is there and not well"),
    ],
)
def test_an_api_that_is_not_same_origin(site: Site, reply: Reply, said: str) -> None:
    site.replies["GET /backend/health/users"] = reply
    found = doctor.same_origin(site.url)
    assert found.state == "problem"
    assert said in found.text


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (_to("/backend/stripe/webhook/"), "which Stripe counts as a failed delivery"),
        (Reply(403, "Forbidden"), "answers 403 where an unsigned event is refused with 400"),
        (refused(500, "internal_error"), "answers 500"),
    ],
)
def test_deliveries_that_would_fail(site: Site, reply: Reply, said: str) -> None:
    site.replies["POST /backend/stripe/webhook"] = reply
    found = doctor.delivery(site.url)
    assert found.state == "problem"
    assert said in found.text
