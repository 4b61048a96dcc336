"""The one decision who may talk to a local port, over what browsers and programs really send."""

import re
from pathlib import Path

import pytest

from localcloud.config import StackConfig
from localcloud.guard import Asked, Guard, Refusal
from localcloud.ports import (
    PROGRAMS_ONLY,
    aws_guard,
    gateway_guard,
    programs_guard,
    stripe_guard,
)

SITE, AWS, STRIPE, BEDROCK, CONTROL = 8000, 8001, 8002, 8003, 8004
STATE = Path("/nonexistent")
CONFIG = StackConfig(
    SITE, AWS, STRIPE, BEDROCK, CONTROL, STATE, frontend_url="http://localhost:3000/"
)
ONE_PORT = StackConfig(
    *(SITE, 4001, 4002, 4003, 4004, STATE),
    frontend_url=None,
    one_port=True,
    service_names=("loopback",),
)
PORTS = {
    SITE: gateway_guard(CONFIG),
    AWS: aws_guard(CONFIG),
    STRIPE: stripe_guard(CONFIG),
    BEDROCK: programs_guard(CONFIG),
    CONTROL: programs_guard(CONFIG),
    50123: PROGRAMS_ONLY,
}
EVERY_PORT = pytest.mark.parametrize("port", PORTS)
WITH_CALLERS = pytest.mark.parametrize("port", [SITE, AWS, STRIPE])
EVIL = "http://evil.example"


def judge(
    guard: Guard,
    port: int,
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/",
    host: str | None = None,
) -> Refusal | None:
    found = [("Host", host or f"127.0.0.1:{port}"), *headers]
    raw = [(name.encode(), value.encode()) for name, value in found]
    return guard.refusal(Asked(method, path.encode(), path, raw, port))


def status(refusal: Refusal | None) -> int:
    return refusal.status if refusal else 200


def opened(site: str, dest: str = "document") -> list[tuple[str, str]]:
    """What Chromium says when a page of `site` leads to an address, or frames it."""
    fetch = {"Site": site, "Mode": "navigate", "Dest": dest}
    return [(f"Sec-Fetch-{name}", value) for name, value in fetch.items()]


@EVERY_PORT
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_programs_pass(port: int, name: str, method: str) -> None:
    agent = ("User-Agent", "stripe-python/16.1")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert judge(PORTS[port], port, agent, form, method=method, host=f"{name}:{port}") is None


@EVERY_PORT
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost.evil.example:{port}",
        "127.0.0.1.nip.io:{port}",
        "bucket.localhost:{port}",
        "10.0.0.1:{port}",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "2130706433:{port}",
        "::1",
        "localhost.:{port}",
        "localhost:1",
        "localhost",
        "localhost:{port}/",
        "user@localhost:{port}",
        "localhost:{port}, localhost:{port}",
        "gateway:{port}",
        "ﬁ.example:{port}",
        " ",
    ],
)
def test_other_names_are_refused(port: int, host: str) -> None:
    refusal = judge(PORTS[port], port, host=host.format(port=port))
    assert refusal
    assert refusal.status == 403
    assert "Host header" in refusal.message
    assert f"Use http://localhost:{port} instead" in refusal.message


@EVERY_PORT
def test_a_host_stands_there_once(port: int) -> None:
    own = (b"Host", f"localhost:{port}".encode())
    for headers in ([], [own, own], [own, (b"hOST", b"evil.example")]):
        refusal = PORTS[port].refusal(Asked("GET", b"/", "/", headers, port))
        assert refusal
        assert refusal.status == 403


def test_port_80_need_not_be_written() -> None:
    assert judge(PROGRAMS_ONLY, 80, host="localhost") is None
    assert judge(PROGRAMS_ONLY, 80, host="localhost:80") is None
    assert status(judge(PROGRAMS_ONLY, 8000, host="localhost")) == 403


@EVERY_PORT
@pytest.mark.parametrize(
    "origin",
    [EVIL, "https://evil.example", "null", "", "http://localhost:1", "http://localhost", "file://"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_pages_elsewhere_are_refused(port: int, origin: str, method: str) -> None:
    refusal = judge(PORTS[port], port, ("Origin", origin), method=method)
    assert refusal
    assert refusal.status == 403
    assert "Origin header" in refusal.message
    assert status(judge(PORTS[port], port, *opened("same-origin"), ("Origin", origin))) == 403


@EVERY_PORT
@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "sideways", ""])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", None])
def test_requests_of_other_sites_are_refused(port: int, site: str, mode: str | None) -> None:
    headers = [("Sec-Fetch-Site", site), *([("Sec-Fetch-Mode", mode)] if mode else [])]
    refusal = judge(PORTS[port], port, *headers)
    assert refusal
    assert refusal.status == 403
    assert "Sec-Fetch-Site header" in refusal.message
    twice = [("Sec-Fetch-Site", "none"), *headers]
    assert status(judge(PORTS[port], port, *twice)) == 403


@WITH_CALLERS
@pytest.mark.parametrize(
    "origin", ["http://localhost:8000", "http://127.0.0.1:8000", "http://localhost:3000"]
)
def test_the_site_and_the_frontend_may_call(port: int, origin: str) -> None:
    # A page on `localhost` and a port on 127.0.0.1 are two sites to a browser.
    for site in ("same-origin", "same-site", "cross-site"):
        headers = [("Origin", origin), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "cors")]
        for method in ("PUT", "POST", "OPTIONS", "GET"):
            assert judge(PORTS[port], port, *headers, method=method) is None


@pytest.mark.parametrize("port", [BEDROCK, CONTROL, 50123])
def test_no_page_may_call_what_is_for_programs(port: int) -> None:
    for origin in ("http://localhost:8000", f"http://localhost:{port}"):
        assert status(judge(PORTS[port], port, ("Origin", origin), method="POST")) == 403


@pytest.mark.parametrize("port", [SITE, STRIPE])
def test_a_ports_own_pages_may_call_it(port: int) -> None:
    for name in ("localhost", "127.0.0.1", "[::1]"):
        own = [("Origin", f"http://{name}:{port}"), ("Sec-Fetch-Site", "same-origin")]
        assert judge(PORTS[port], port, *own, method="POST") is None
    # A link or an image of a page sends no Origin.
    assert judge(PORTS[port], port, *opened("same-origin")) is None


@pytest.mark.parametrize(
    ("port", "path"),
    [
        (SITE, "/"),
        (SITE, "/dashboard"),
        (SITE, "/_local"),
        (SITE, "/_local/"),
        (SITE, "/_local/signin"),
        (SITE, "/_local/mailbox"),
        (SITE, "/_local/events"),
        (SITE, "/_local/events/evt_1"),
        (SITE, "/_local/calls"),
        (SITE, "/_local/users"),
        (SITE, "/_local/users/a/b"),
        (SITE, "/_local/logs/1-2"),
        (SITE, "/_local/switches"),
        (SITE, "/_local/api"),
        (STRIPE, "/c/pay/cs_test_1"),
        (STRIPE, "/c/embed/cs_test_1_secret_x"),
        (STRIPE, "/p/session/bps_1"),
        (STRIPE, "/i/in_1/secret"),
    ],
)
def test_a_typed_address_opens_pages(port: int, path: str) -> None:
    guard = PORTS[port]
    assert judge(guard, port, *opened("none"), path=path) is None
    assert judge(guard, port, *opened("none"), path=path, method="HEAD") is None
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert status(judge(guard, port, *opened("none"), path=path, method=method)) == 403


# A browser also says `none` after a redirect of the site whose address was typed.
@pytest.mark.parametrize(
    ("port", "path"),
    [
        (SITE, "/backend"),
        (SITE, "/backend/users/me"),
        (SITE, "/_local/mail"),
        (SITE, "/_local/endpoints"),
        (SITE, "/_local/faults"),
        (SITE, "/_local/session"),
        (SITE, "/_local/signin/x"),
        (SITE, "/_local/usersx"),
        (SITE, "/_local/aws/"),
        (SITE, "/_local/stripe/c/pay/cs_test_1"),
        (AWS, "/"),
        (AWS, "/_local/"),
        (AWS, "/groundwork-local-uploads/key"),
        (STRIPE, "/"),
        (STRIPE, "/v1/customers"),
        (STRIPE, "/_local/events"),
        (STRIPE, "/c/pay/cs_test_1\n/x"),
        (BEDROCK, "/"),
        (BEDROCK, "/_local/calls"),
        (CONTROL, "/_health"),
        (50123, "/secret/2018-06-01/runtime/invocation/next"),
    ],
)
def test_a_browser_opens_nothing_that_is_for_programs(port: int, path: str) -> None:
    for marks in (opened("none"), [("Sec-Fetch-Site", "None")]):
        for method in ("GET", "HEAD", "POST"):
            refusal = judge(PORTS[port], port, *marks, path=path, method=method)
            assert refusal
            assert (refusal.status, "Call it from a program" in refusal.message) == (403, True)


def test_a_typed_address_of_the_one_port_opens_no_part() -> None:
    gateway = gateway_guard(ONE_PORT)
    for path in ("/c/pay/cs_test_1", "/c/embed/cs_test_1_secret_x", "/p/session/bps_1"):
        assert judge(gateway, SITE, *opened("none"), path=f"/_local/stripe{path}") is None
    assert judge(gateway, SITE, *opened("none"), path="/_local/users") is None
    for path in ("aws", "aws/", "aws/_local/mail", "lambda/_health", "bedrock/", "stripe/v1/x"):
        assert status(judge(gateway, SITE, *opened("none"), path=f"/_local/{path}")) == 403


@pytest.mark.parametrize(
    ("port", "path"),
    [
        (SITE, "/"),
        (SITE, "/dashboard"),
        (SITE, "/api/auth/callback/cognito"),
        (SITE, "/localhost"),
        (SITE, "/_local/signin"),
        (STRIPE, "/c/pay/cs_test_1"),
        (STRIPE, "/p/session/bps_1"),
        (STRIPE, "/i/in_1/secret"),
    ],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_opens_the_pages_meant_for_people(port: int, path: str, site: str) -> None:
    assert judge(PORTS[port], port, *opened(site), path=path) is None
    for refused in (
        judge(PORTS[port], port, *opened(site), path=path, method="POST"),
        judge(PORTS[port], port, *opened(site), path=path, method="HEAD"),
        judge(PORTS[port], port, *opened(site, "iframe"), path=path),
        judge(PORTS[port], port, *opened(site, "embed"), path=path),
        judge(PORTS[port], port, *opened(site), ("Origin", "null"), path=path),
        judge(PORTS[port], port, ("Sec-Fetch-Site", site), path=path),
        judge(PORTS[port], port, *opened(site), *opened(site, "image"), path=path),
    ):
        assert status(refused) == 403


@pytest.mark.parametrize(
    ("port", "path"),
    [
        (SITE, "/_local"),
        (SITE, "/_local/"),
        (SITE, "/_local/mail"),
        (SITE, "/_local/mailbox"),
        (SITE, "/_local/endpoints"),
        (SITE, "/_local/signin/x"),
        (SITE, "/_local/stripe/c/pay/cs_test_1"),
        (SITE, "/backend"),
        (SITE, "/backend/users/me"),
        (AWS, "/"),
        (AWS, "/groundwork-local-uploads/key"),
        (AWS, "/moto-api/data.json"),
        (STRIPE, "/"),
        (STRIPE, "/v1/customers"),
        (STRIPE, "/_local/events"),
        (STRIPE, "/c/embed/cs_test_1_secret_x"),
        (STRIPE, "/p/session/bps_1/secret/cancel"),
        (STRIPE, "/p/session/bps_1\n/_local/events"),
        (BEDROCK, "/_local/calls"),
        (CONTROL, "/_health"),
        (50123, "/secret/2018-06-01/runtime/invocation/next"),
    ],
)
def test_a_link_opens_nothing_else(port: int, path: str) -> None:
    for site in ("cross-site", "same-site"):
        assert status(judge(PORTS[port], port, *opened(site), path=path)) == 403


def test_only_embedded_checkout_may_be_asked_for_a_frame() -> None:
    embedded, frame = "/c/embed/cs_test_1_secret_x", opened("same-site", "iframe")
    assert judge(PORTS[STRIPE], STRIPE, *frame, path=embedded) is None
    assert status(judge(PORTS[STRIPE], STRIPE, *frame, path="/c/pay/cs_test_1")) == 403
    assert status(judge(PORTS[SITE], SITE, *frame, path=embedded)) == 403


def test_one_port_leads_to_stripes_pages_and_nothing_else_of_the_parts() -> None:
    gateway = gateway_guard(ONE_PORT)
    page, frame = "/_local/stripe/c/pay/cs_test_1", "/_local/stripe/c/embed/cs_test_1_secret_x"
    assert judge(gateway, SITE, *opened("cross-site"), path=page) is None
    assert judge(gateway, SITE, *opened("cross-site", "iframe"), path=frame) is None
    for path in ("/_local/stripe/v1/customers", "/_local/aws/", "/_local/lambda/_health"):
        assert status(judge(gateway, SITE, *opened("cross-site"), path=path)) == 403


@pytest.mark.parametrize("part", [aws_guard, stripe_guard, programs_guard])
def test_a_part_behind_the_one_port_is_asked_by_both_names(part: "type[Guard]") -> None:
    guard = part(ONE_PORT)
    for host in ("localhost:8000", "127.0.0.1:4001", "loopback:8000"):
        assert judge(guard, 4001, host=host) is None
    assert status(judge(guard, 4001, host="evil.example:8000")) == 403
    assert status(judge(part(CONFIG), 4001, host="localhost:8000")) == 403


def test_composes_names_are_served_in_compose_alone() -> None:
    assert judge(gateway_guard(ONE_PORT), SITE, host="loopback:8000") is None
    assert status(judge(PORTS[SITE], SITE, host="loopback:8000")) == 403


@EVERY_PORT
def test_bytes_that_are_no_utf8_are_an_error_of_the_client(port: int) -> None:
    host = (b"Host", f"localhost:{port}".encode())
    for target, header in (
        (b"/\xff", (b"X-Name", b"x")),
        (b"/", (b"X-Name", b"caf\xe9")),
        (b"/", (b"X-\xff", b"x")),
        (b"/", (b"Host", b"\xc3\x28")),
    ):
        refusal = PORTS[port].refusal(Asked("GET", target, "/", [host, header], port))
        assert refusal
        assert (refusal.status, "UTF-8" in refusal.message) == (400, True)
    plain = (b"X-Name", "café 日本".encode())
    assert PORTS[port].refusal(Asked("GET", "/é".encode(), "/é", [host, plain], port)) is None


def test_a_refusal_is_one_sentence_of_bounded_length() -> None:
    for name in ("Host", "Origin", "Sec-Fetch-Site"):
        headers = [(name, "<script>\t" + "é" * 5_000)] if name != "Host" else []
        host = "\x1b[31m" + "h" * 5_000 if name == "Host" else None
        refusal = judge(PORTS[SITE], SITE, *headers, host=host)
        assert refusal
        assert len(refusal.message) < 600
        assert re.fullmatch(r"[\x20-\x7e]+", refusal.message)
