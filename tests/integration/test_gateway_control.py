"""The control endpoints and built-in pages; local AWS and Stripe are recorded by a small server."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from localcloud import session
from localcloud.config import StackConfig
from localcloud.gateway.sessions import SessionCookie
from localcloud.process import free_ports
from tests.integration.local_gateway import (
    Answer,
    RunningGateway,
    make_config,
    running_gateway,
)

MAIL = {
    "id": "m1",
    "to": ["ada@example.com"],
    "subject": "Your <b>code</b>",
    "body": "It is 123456 <script>alert(1)</script>",
    "code": "123456",
    "source": "cognito",
    "at": "2026-11-22T10:00:00.000Z",
}


@dataclass
class Parts:
    """Stands for local AWS, Stripe and Bedrock, and remembers what it was asked."""

    config: StackConfig
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    pools: int = 0

    def provision(self, config: StackConfig) -> dict[str, str]:
        self.pools += 1
        self.asked.append(("provision", "", ""))
        pool = f"us-east-1_{self.pools}"
        return {
            "user_pool_id": pool,
            "user_pool_client_id": f"client{self.pools}",
            "issuer": f"{config.aws_url}/{pool}",
        }

    async def serve(self, name: str, port: int) -> web.AppRunner:
        async def answer(request: web.Request) -> web.StreamResponse:
            target = request.headers.get("X-Amz-Target", "")
            self.asked.append((name, f"{request.path}{target}", await request.text()))
            if request.path == "/_local/mail":
                return web.json_response([MAIL])
            if request.path == "/_local/pay":
                return web.json_response({"status": "declined"}, status=402)
            return web.json_response({"from": name})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    def take(self) -> list[tuple[str, str, str]]:
        """What was asked since the last call, health checks aside."""
        found = [one for one in self.asked if one[1] != "/_health"]
        self.asked.clear()
        return found


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    parts = Parts(make_config(tmp_path_factory.mktemp("state"), nextauth_secret="local-secret"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runners = [
        asyncio.run_coroutine_threadsafe(parts.serve(name, port), loop).result(5)
        for name, port in (
            ("aws", parts.config.aws_port),
            ("stripe", parts.config.stripe_port),
            ("bedrock", parts.config.bedrock_port),
        )
    ]
    yield parts
    for runner in runners:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, parts: Parts) -> Iterator[RunningGateway]:
    path = tmp_path_factory.mktemp("control")
    with running_gateway(path, config=parts.config, provision=parts.provision) as gateway:
        yield gateway


def post(local: RunningGateway, path: str, body: Any = None, **headers: str) -> Answer:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return local.request("POST", path, headers=sent, body=json.dumps(body).encode())


def set_cookies(answer: Answer) -> dict[str, str]:
    lines = [value for name, value in answer.headers if name.lower() == "set-cookie"]
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def test_endpoints(local: RunningGateway) -> None:
    found = local.request("GET", "/_local/endpoints").json()
    config = local.config
    assert found["site"] == f"http://localhost:{config.gateway_port}"
    assert found["api"] == f"http://localhost:{config.gateway_port}/backend"
    assert (found["aws"], found["stripe"]) == (config.aws_url, config.stripe_url)
    assert found["userPoolId"].startswith("us-east-1_")
    assert found["userPoolClientId"].startswith("client")
    assert found["nextauthSecret"] == "local-secret"
    wanted = {"bedrock", "region", "tableName", "stripeSecretKey", "webhookSecret", "uploadsBucket"}
    assert wanted <= set(found)


def test_mail_and_payments_are_passed_on(local: RunningGateway, parts: Parts) -> None:
    parts.take()
    assert local.request("GET", "/_local/mail").json() == [MAIL]
    answer = post(local, "/_local/pay", {"sessionId": "cs_1", "card": "4000000000000002"})
    assert (answer.status, answer.json()) == (402, {"status": "declined"})
    assert parts.take() == [
        ("aws", "/_local/mail", ""),
        ("stripe", "/_local/pay", '{"sessionId": "cs_1", "card": "4000000000000002"}'),
    ]


def test_only_public_cognito_actions_are_passed_on(local: RunningGateway, parts: Parts) -> None:
    parts.take()
    prefix = "AWSCognitoIdentityProviderService."
    answer = post(local, "/_local/cognito", {"ClientId": "x"}, X_Amz_Target=f"{prefix}SignUp")
    assert answer.json() == {"from": "aws"}
    assert parts.take() == [("aws", f"/{prefix}SignUp", '{"ClientId": "x"}')]
    for target in (f"{prefix}AdminDeleteUser", "DynamoDB_20120810.Scan", ""):
        refused = post(local, "/_local/cognito", {}, X_Amz_Target=target)
        assert (refused.status, refused.json()["__type"]) == (400, "NotAuthorizedException")
    assert parts.take() == []


def test_reset_forgets_provisions_and_renews_the_functions(
    local: RunningGateway, parts: Parts
) -> None:
    before, _ = local.invoke("demo-environment")
    pid, _ = local.invoke("demo-pid")
    parts.take()
    assert post(local, "/_local/reset").json() == {"status": "ok"}
    assert parts.take() == [
        ("aws", "/_local/reset", ""),
        ("stripe", "/_local/reset", ""),
        ("bedrock", "/_local/reset", ""),
        ("provision", "", ""),
    ]
    after, _ = local.invoke("demo-environment")
    assert after["COGNITO_CLIENT_ID"] == f"client{parts.pools}" != before["COGNITO_CLIENT_ID"]
    assert local.invoke("demo-pid")[0] != pid
    assert (
        local.request("GET", "/_local/endpoints").json()["userPoolId"] == f"us-east-1_{parts.pools}"
    )


def test_a_session_is_a_nextauth_cookie(local: RunningGateway) -> None:
    answer = post(local, "/_local/session", {"sub": "u1", "email": "a@b.example", "name": "Ada"})
    line = set_cookies(answer)["next-auth.session-token"]
    token, *attributes = line.split("; ")
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=2592000"} <= set(attributes)
    assert "Secure" not in attributes
    assert answer.json()["cookie"] == {"name": "next-auth.session-token", "value": token}
    claims = SessionCookie("local-secret").decode(token)
    assert claims is not None
    assert (claims["sub"], claims["email"], claims["name"]) == ("u1", "a@b.example", "Ada")


def test_a_long_session_is_chunked_and_replaces_the_short_one(local: RunningGateway) -> None:
    long = {"sub": "u1", "email": "a@b.example", "name": "x" * 6000}
    answer = local.request(
        "POST",
        "/_local/session",
        headers=[("Cookie", "next-auth.session-token=old; next-auth.session-token.7=old; other=1")],
        body=json.dumps(long).encode(),
    )
    cookies = {name: line.split("; ")[0] for name, line in set_cookies(answer).items()}
    deleted = {"next-auth.session-token", "next-auth.session-token.7"}
    assert {name for name, value in cookies.items() if value in ("", '""')} == deleted
    kept = {name: value for name, value in cookies.items() if name not in deleted}
    assert set(kept) == {f"next-auth.session-token.{index}" for index in range(len(kept))}
    token = session.joined("next-auth.session-token", kept)
    assert token == answer.json()["cookie"]["value"]
    assert (SessionCookie("local-secret").decode(token) or {})["name"] == "x" * 6000


def test_signing_out_clears_every_chunk(local: RunningGateway) -> None:
    cookie = ("Cookie", "next-auth.session-token.0=a; next-auth.session-token.1=b; other=1")
    answer = local.request("DELETE", "/_local/session", headers=[cookie])
    names = {"next-auth.session-token", "next-auth.session-token.0", "next-auth.session-token.1"}
    assert set(set_cookies(answer)) == names
    assert all("Max-Age=0" in line for line in set_cookies(answer).values())


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"sub": 7}', b'{"name": "x"}'])
def test_a_session_for_nobody_is_refused(local: RunningGateway, body: bytes) -> None:
    answer = local.request("POST", "/_local/session", body=body)
    assert answer.status == 400
    assert set_cookies(answer) == {}
    assert answer.json()["message"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_local/session"),
        ("DELETE", "/_local/session"),
        ("POST", "/_local/signin"),
        ("POST", "/_local/reset"),
        ("POST", "/_local/pay"),
        ("POST", "/_local/cognito"),
    ],
)
def test_other_sites_change_nothing(
    local: RunningGateway, parts: Parts, origin: str, method: str, path: str
) -> None:
    parts.take()
    headers = [("Origin", origin), ("Content-Type", "text/plain")]
    answer = local.request(method, path, headers=headers, body=b'{"sub": "victim"}')
    assert answer.status == 403
    assert set_cookies(answer) == {}
    assert parts.take() == []


@pytest.mark.parametrize(
    "path",
    [
        "/%5Flocal/session",
        "/_local%2Fsession",
        "/%5f%6c%6f%63%61%6c/session",
        "/backend/../_local/session",
        "/./_local/session",
        "//_local/session",
        "http://localhost/_local/session",
    ],
)
def test_no_spelling_of_a_path_passes_the_guard(
    local: RunningGateway, parts: Parts, path: str
) -> None:
    for headers, host in (([("Origin", "https://evil.example")], None), ([], "evil.example")):
        answer = local.request("POST", path, headers=headers, body=b'{"sub": "u"}', host=host)
        assert set_cookies(answer) == {}
        assert answer.status in (403, 404) or "cookie" not in answer.body.decode()


def test_the_site_itself_may_change_state(local: RunningGateway) -> None:
    for origin in (local.config.site_url, f"http://127.0.0.1:{local.config.gateway_port}"):
        assert post(local, "/_local/session", {"sub": "u"}, Origin=origin).status == 200


def test_no_other_site_may_read_an_answer(local: RunningGateway) -> None:
    answer = local.request("GET", "/_local/endpoints", headers=[("Origin", "https://evil.example")])
    assert answer.header("access-control-allow-origin") is None


def test_the_signin_page_sets_the_cookie_and_goes_on(local: RunningGateway) -> None:
    page = local.request("GET", "/_local/signin?callbackUrl=/dashboard%3Fa%3D1").body.decode()
    assert 'name="callbackUrl" value="/dashboard?a=1"' in page
    form = b"name=Ada&email=ada%40example.com&sub=&callbackUrl=%2Fdashboard%3Fa%3D1"
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    answer = local.request("POST", "/_local/signin", headers=[kind], body=form)
    assert (answer.status, answer.header("location")) == (303, "/dashboard?a=1")
    token = set_cookies(answer)["next-auth.session-token"].split("; ")[0]
    claims = SessionCookie("local-secret").decode(token) or {}
    assert (claims["email"], claims["name"]) == ("ada@example.com", "Ada")
    again = local.request("POST", "/_local/signin", headers=[kind], body=form)
    token = set_cookies(again)["next-auth.session-token"].split("; ")[0]
    assert (SessionCookie("local-secret").decode(token) or {})["sub"] == claims["sub"]


def test_the_signin_page_never_leads_away(local: RunningGateway) -> None:
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    form = b"email=a%40b.example&callbackUrl=https%3A%2F%2Fevil.example%2F"
    answer = local.request("POST", "/_local/signin", headers=[kind], body=form)
    assert (answer.status, answer.header("location")) == (303, "/")
    page = local.request("GET", "/_local/signin?callbackUrl=/%22%3E%3Cscript%3E").body.decode()
    assert "<script>" not in page


def test_an_incomplete_signin_is_asked_again(local: RunningGateway) -> None:
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    answer = local.request("POST", "/_local/signin", headers=[kind], body=b"name=%22Ada&email=")
    assert answer.status == 400
    assert "Type an e-mail address." in answer.body.decode()
    assert 'value="&#34;Ada"' in answer.body.decode()


def test_pages_escape_what_others_wrote(local: RunningGateway) -> None:
    page = local.request("GET", "/_local/mailbox").body.decode()
    assert "It is 123456 &lt;script&gt;" in page
    assert "<script>" not in page
    missing = local.request("GET", "/<script>alert(1)</script>")
    assert missing.status == 404
    assert "<script>" not in missing.body.decode()


def test_the_site_knows_who_is_signed_in(local: RunningGateway) -> None:
    stranger = local.request("GET", "/").body.decode()
    assert 'data-signed-in="false"' in stranger
    assert "Sign out" not in stranger
    cookie = post(local, "/_local/session", {"sub": "u", "email": "a@b.example"}).json()["cookie"]
    header = ("Cookie", f"{cookie['name']}={cookie['value']}")
    known = local.request("GET", "/dashboard", headers=[header]).body.decode()
    assert 'data-signed-in="true"' in known
    assert "a@b.example" in known
    forged = ("Cookie", f"{cookie['name']}={cookie['value'][:-3]}AAA")
    assert 'data-signed-in="ended"' in local.request("GET", "/", headers=[forged]).body.decode()


def test_pages_load_nothing_from_elsewhere(local: RunningGateway) -> None:
    for path in ("/", "/dashboard", "/_local/", "/_local/signin", "/_local/mailbox", "/missing"):
        answer = local.request("GET", path)
        page = answer.body.decode()
        policy = answer.header("content-security-policy") or ""
        assert "default-src 'self'" in policy
        assert not re.search(r"\son\w+=|style=|javascript:", page), path
        for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
            if "/static/" in asset:
                assert local.request("GET", asset).status == 200, asset
            assert asset.startswith(("/", local.config.site_url)), asset
    assert local.request("GET", "/favicon.ico").header("content-type") == "image/svg+xml"


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fserver.py", "site.html", "nothing.css", "%2Fetc%2Fpasswd"]
)
def test_static_files_are_only_the_assets(local: RunningGateway, name: str) -> None:
    assert local.request("GET", f"/_local/static/{name}").status == 404


def test_a_part_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        answer = local.request("GET", "/_local/mail")
        assert answer.status == 502
        assert answer.json()["message"].startswith("local AWS does not answer at http://127.0.0.1:")
        assert "No mail yet" in local.request("GET", "/_local/mailbox").body.decode()


def test_the_user_header_works_only_when_asked_for(tmp_path: Path) -> None:
    header = [("x-user-id", "test-user-123")]
    with running_gateway(tmp_path / "off") as local:
        event = local.event("GET", "/backend/echo", headers=header)
        assert "cookies" not in event
        assert event["headers"]["x-user-id"] == "test-user-123"
    with running_gateway(tmp_path / "on", allow_user_header=True) as local:
        event = local.event("GET", "/backend/echo", headers=header)
        name, _, token = event["cookies"][0].partition("=")
        claims = SessionCookie(local.config.nextauth_secret).decode(token) or {}
        assert (name, claims["sub"]) == ("next-auth.session-token", "test-user-123")
        assert "x-user-id" not in event["headers"]


def test_requests_before_provisioning_wait_for_it(tmp_path: Path, parts: Parts) -> None:
    """Local Stripe delivers what is due as soon as it has started, maybe before everything else."""
    health: list[int] = []
    early: list[Future[Any]] = []

    def get_environment(config: StackConfig) -> Any:
        with contextlib.closing(HTTPConnection("127.0.0.1", config.control_port)) as connection:
            connection.request("POST", "/2015-03-31/functions/demo-environment/invocations", b"{}")
            return json.loads(connection.getresponse().read())

    def provision(config: StackConfig) -> dict[str, str]:
        with contextlib.closing(HTTPConnection("127.0.0.1", config.gateway_port)) as connection:
            connection.request("GET", "/_health")
            health.append(connection.getresponse().status)
        early.append(threads.submit(get_environment, config))
        time.sleep(0.3)
        return {"user_pool_client_id": "provisioned-late"}

    gateway_port, control_port = free_ports(2)
    config = replace(parts.config, gateway_port=gateway_port, control_port=control_port)
    with (
        ThreadPoolExecutor(1) as threads,
        running_gateway(tmp_path, config=config, provision=provision) as local,
    ):
        assert health == [503]
        assert local.request("GET", "/_health").status == 200
        assert early[0].result(5)["COGNITO_CLIENT_ID"] == "provisioned-late"
