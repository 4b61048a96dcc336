"""A developer visits somebody's website while a stack runs: the site gets nowhere, and what the
stack's own pages need works. In a real browser, with its protection of local addresses off."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from playwright.sync_api import Browser, BrowserContext, Page, expect

from localcloud.stack import Stack
from tests.e2e.browsing import chromium_at
from tests.e2e.observed import state, stripe_of
from tests.e2e.sockets import listeners
from tests.e2e.website import ATTACK, FLAGS, NAME, SOCKET, website

HOOK = "url=http%3A%2F%2F127.0.0.1%3A9%2Fhook&enabled_events[]=*"
INVOKE = "/2015-03-31/functions/users-api/invocations"
DEEDS = [
    ("GET", "/", ""),
    ("GET", "/_local/mail", ""),
    ("GET", "/_local/endpoints", ""),
    ("GET", "/v1/customers", ""),
    ("POST", "/v1/webhook_endpoints", HOOK),
    ("POST", "/_local/reset", "{}"),
    ("POST", "/_local/faults", '{"kind": "throttle"}'),
    ("POST", INVOKE, "{}"),
    ("PUT", "/groundwork-local-uploads/evil", "evil"),
]


@dataclass
class World:
    """A stack whose frontend is a server of its own, and a browser that visits another one."""

    stack: Stack
    frontend: int
    stranger: int
    context: BrowserContext

    @property
    def strangers(self) -> list[str]:
        """The foreign site by its name, and by the names of this machine."""
        names = (NAME, "127.0.0.1", "localhost")
        return [f"http://{name}:{self.stranger}" for name in names]

    def ports(self) -> list[int]:
        return [each.port for each in listeners(list(self.stack.pids.values()))]

    def s3(self) -> Any:
        config = self.stack.config
        return boto3.client(
            "s3",
            endpoint_url=config.aws_public_url,
            region_name=config.region,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
            config=Config(signature_version="s3v4"),
        )

    def checkout(self, **more: Any) -> Any:
        stripe = stripe_of(self.stack.config)
        price = stripe.v1.prices.list({"limit": 1}).data[0].id
        site = self.stack.site_url
        where = more or {"success_url": f"{site}/thanks", "cancel_url": site}
        params: Any = {"mode": "subscription", "line_items": [{"price": price, "quantity": 1}]}
        return stripe.v1.checkout.sessions.create({**params, **where})


@pytest.fixture(scope="module")
def visited(chromium: str) -> Iterator[Browser]:
    with chromium_at(chromium, FLAGS) as launched:
        yield launched


@pytest.fixture(scope="module", params=["separate", "one port"])
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, int]]:
    folder: Path = tmp_path_factory.mktemp("visited")
    with website() as frontend:
        settings: dict[str, Any] = {"frontend_url": f"http://localhost:{frontend}"}
        one_port = request.param == "one port"
        with Stack(port=0, state_dir=folder, one_port=one_port, **settings) as running:
            requests.get(f"{running.site_url}/backend/health/users", timeout=30)
            yield running, frontend


@pytest.fixture
def world(stack: tuple[Stack, int], visited: Browser) -> Iterator[World]:
    context = visited.new_context()
    with website() as stranger:
        yield World(*stack, stranger, context)
    context.close()


def bases(world: World) -> list[str]:
    """Everything that a website can address; through the one port every part."""
    found = [f"http://127.0.0.1:{port}" for port in world.ports()]
    config = world.stack.config
    if config.one_port:
        parts = ("aws", "stripe", "bedrock", "lambda")
        found += [f"{config.site_url}/_local/{part}" for part in parts]
    return found


def test_a_website_reads_and_changes_nothing(world: World) -> None:
    before = state(world.stack.config)
    answers: dict[str, list[tuple[str, int]]] = {base: [] for base in bases(world)}
    page = world.context.new_page()

    def note(url: str, status: int) -> None:
        for base in sorted(answers, key=len, reverse=True):
            if url.startswith(f"{base}/"):
                answers[base].append((url, status))
                return

    page.on("response", lambda response: note(response.url, response.status))
    # Another site, and another port of this machine.
    for stranger in (world.strangers[0], world.strangers[-1]):
        page.goto(f"{stranger}/")
        for base in answers:
            told = page.evaluate(ATTACK, {"base": base, "deeds": DEEDS})
            assert [each for each in told if each[2] not in ("failed", "opaque")] == [], base
    for base, found in answers.items():
        assert len(found) > len(DEEDS), (base, found)
        assert {status for _, status in found} == {403}, (base, found)
    assert state(world.stack.config) == before


def test_a_website_opens_no_socket(world: World) -> None:
    for base in bases(world):
        # A page of its own for each: Chromium delays sockets after one that failed.
        page = world.context.new_page()
        page.goto(f"{world.strangers[0]}/")
        assert page.evaluate(SOCKET, base) == "failed", base
        page.close()


def test_a_rebound_name_leads_nowhere(world: World) -> None:
    page = world.context.new_page()
    for port in world.ports():
        for path in ("/", "/_local/mail", "/_local/", "/v1/customers"):
            answer = page.goto(f"http://{NAME}:{port}{path}")
            assert answer
            assert (answer.status, "Host header names" in answer.text()) == (403, True)


def shown(page: Page) -> list[str]:
    """What the page's frames really show; a blocked one shows a page of Chromium's own."""
    return [frame.url for frame in page.frames[1:]]


def test_a_website_frames_nothing(world: World) -> None:
    config = world.stack.config
    embedded = world.checkout(ui_mode="embedded", return_url=config.site_url)
    hosted = world.checkout()
    customer = stripe_of(config).v1.customers.create({"email": "framed@example.com"}).id
    portal = stripe_of(config).v1.billing_portal.sessions.create({"customer": customer})
    addresses = [
        f"{config.stripe_public_url}/c/embed/{embedded.client_secret}",
        hosted.url,
        portal.url,
        f"{config.site_url}/",
        f"{config.site_url}/_local/",
        f"{config.site_url}/_local/signin",
    ]
    page = world.context.new_page()
    for stranger in world.strangers:
        page.goto(f"{stranger}/")
        for address in addresses:
            frame(page, address)
            body = page.frames[-1].evaluate("document.body.innerText")
            blocked = page.frames[-1].url.startswith("chrome-error:")
            assert blocked or "Sec-Fetch-Site header" in body, (stranger, address, body)


def frame(page: Page, address: str) -> None:
    page.evaluate(
        """(address) => new Promise((on) => {
          document.querySelector("iframe")?.remove();
          const frame = document.createElement("iframe");
          frame.onload = () => on();
          frame.src = address;
          document.body.append(frame);
        })""",
        address,
    )


def test_the_sites_own_page_frames_embedded_checkout(world: World) -> None:
    config = world.stack.config
    page = world.context.new_page()
    port = config.gateway_port
    for site in (config.site_url, f"http://127.0.0.1:{port}", f"http://localhost:{world.frontend}"):
        session = world.checkout(ui_mode="embedded", return_url=f"{config.site_url}/thanks")
        page.goto(f"{site}/")
        frame(page, f"{config.stripe_public_url}/c/embed/{session.client_secret}")
        checkout = page.frame_locator("iframe")
        email = checkout.get_by_label("E-mail")
        email.fill("framed@example.com")
        for label, text in {
            "Card number": "4242424242424242",
            "Expiry": "12 / 34",
            "CVC": "123",
            "Name on card": "Ada",
        }.items():
            checkout.get_by_label(label).fill(text)
        checkout.get_by_role("button", name="Subscribe").click()
        page.wait_for_url(f"{config.site_url}/thanks")


def follow(page: Page, address: str) -> tuple[int, str]:
    """Status and text of what a link of the page leads to."""
    page.evaluate(
        """(address) => {
          const link = document.createElement("a");
          link.href = address;
          link.id = "link";
          link.textContent = "Follow me";
          document.body.append(link);
        }""",
        address,
    )
    with page.expect_response(address) as found:
        page.click("#link")
    return found.value.status, found.value.text()


def test_a_link_elsewhere_opens_pages_for_people_alone(world: World) -> None:
    config = world.stack.config
    page = world.context.new_page()
    allowed = [f"{config.site_url}/", f"{config.site_url}/_local/signin", world.checkout().url]
    refused = [
        f"{config.site_url}/_local/",
        f"{config.site_url}/_local/mail",
        f"{config.site_url}/backend/plans",
        f"{config.aws_public_url}/_local/mail",
        f"{config.stripe_public_url}/v1/customers",
    ]
    for stranger in world.strangers:
        for address in allowed:
            page.goto(f"{stranger}/")
            assert follow(page, address)[0] == 200, (stranger, address)
        for address in refused:
            page.goto(f"{stranger}/")
            status, text = follow(page, address)
            assert (status, "Type the address" in text) == (403, True), (stranger, address)
    # Somebody who types the address is let in.
    answer = page.goto(f"{config.site_url}/_local/")
    assert answer
    assert answer.status == 200


def test_the_portal_and_hosted_checkout_work_with_links_and_forms(world: World) -> None:
    config = world.stack.config
    page = world.context.new_page()
    for site in (config.site_url, f"http://localhost:{world.frontend}"):
        page.goto(f"{site}/")
        assert follow(page, world.checkout().url)[0] == 200
        page.get_by_label("E-mail").fill("hosted@example.com")
        page.get_by_label("Card number").fill("4242424242424242")
        page.get_by_label("Expiry").fill("12 / 34")
        page.get_by_label("CVC").fill("123")
        page.get_by_label("Name on card").fill("Ada")
        page.get_by_role("button", name="Subscribe").click()
        page.wait_for_url(f"{config.site_url}/thanks")
    stripe = stripe_of(config)
    customer = stripe.v1.customers.list({"limit": 1}).data[0].id
    back: Any = {"customer": customer, "return_url": f"{config.site_url}/back"}
    portal = stripe.v1.billing_portal.sessions.create(back)
    page.goto(f"{config.site_url}/")
    assert follow(page, portal.url)[0] == 200
    page.get_by_role("link", name="Cancel plan").or_(
        page.get_by_role("button", name="Cancel plan")
    ).first.click()
    page.get_by_role("button", name="Confirm cancellation").click()
    expect(page.locator("body")).to_contain_text("cancel")
    page.get_by_role("link", name="Return to site").first.click()
    page.wait_for_url(f"{config.site_url}/back")
    [subscription] = stripe.v1.subscriptions.list({"customer": customer}).data or [None]
    assert subscription is None or subscription.cancel_at_period_end or subscription.cancel_at


SENT = """
async ([url, method, headers, body]) => {
  const answer = await fetch(url, { method, headers, body: body || undefined });
  return [answer.status, await answer.text()];
}
"""


def test_the_sites_pages_call_the_api_s3_and_cognito(world: World) -> None:
    config, endpoints = world.stack.config, world.stack.endpoints()
    page = world.context.new_page()
    bucket = {"Bucket": config.uploads_bucket, "ContentType": "text/csv"}
    cognito = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp",
    }
    port = config.gateway_port
    sites = [config.site_url, f"http://127.0.0.1:{port}", f"http://localhost:{world.frontend}"]
    for number, site in enumerate(sites):
        page.goto(f"{site}/")
        key = {**bucket, "Key": f"from-{number}"}
        put = world.s3().generate_presigned_url("put_object", key, ExpiresIn=60)
        sent = page.evaluate(SENT, [put, "PUT", {"Content-Type": "text/csv"}, "a,b"])
        assert sent == [200, ""]
        kept = world.s3().get_object(Bucket=config.uploads_bucket, Key=f"from-{number}")
        assert kept["Body"].read() == b"a,b"
        email = f"page-{number}@example.com"
        somebody = {
            "ClientId": endpoints["userPoolClientId"],
            "Username": email,
            "Password": "Passw0rd!x",
            "UserAttributes": [{"Name": "email", "Value": email}],
        }
        asked = [f"{config.aws_public_url}/", "POST", cognito, json.dumps(somebody)]
        status, text = page.evaluate(SENT, asked)
        assert (status, "UserSub" in text) == (200, True), text
        keys = f"{endpoints['issuer']}/.well-known/jwks.json"
        assert page.evaluate(SENT, [keys, "GET", {}, ""])[0] == 200
        plans = page.evaluate(SENT, [f"{config.site_url}/backend/plans", "GET", {}, ""])
        assert plans[0] == 200
