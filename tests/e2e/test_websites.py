"""A developer visits somebody's website while a stack runs: the site gets nowhere.

In a real browser, with its protection of local addresses off.
"""

from urllib.parse import quote

from playwright.sync_api import Page

from tests.e2e.observed import state, stripe_of
from tests.e2e.visiting import World, follow, frame, stack, visited, world
from tests.e2e.website import ATTACK, NAME, SOCKET

__all__ = ["stack", "visited", "world"]
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
            advice = "Type the address" if address.endswith("/_local/") else "from a program"
            assert (status, advice in text) == (403, True), (stranger, address)
    # Somebody who types the address is let in.
    answer = page.goto(f"{config.site_url}/_local/")
    assert answer
    assert answer.status == 200


FORGED = (
    "Action=VerifyEmailIdentity&EmailAddress=evil%40example.com&X-Amz-Algorithm=AWS4-HMAC-SHA256"
)
SIGNED = "X-Amz-Credential=AKIAGROUNDWORKLOCAL0%2F20270101%2Fus-east-1%2Fses%2Faws4_request"


def test_a_typed_address_that_leads_here_opens_pages_for_people_alone(world: World) -> None:
    config = world.stack.config
    before = state(config)
    page = world.context.new_page()

    def typed(address: str) -> list[int]:
        """Statuses after the redirect, when loaded again, and when come back to."""
        away = page.goto(f"{world.strangers[0]}/away?to={quote(address, safe='')}")
        again = page.reload()
        page.goto("about:blank")
        back = page.go_back()
        return [each.status for each in (away, again, back) if each]

    for base in bases(world):
        if base == f"http://127.0.0.1:{config.gateway_port}":
            continue
        for path in (f"/?{FORGED}&{SIGNED}", "/_local/mail", "/v1/customers", "/_health"):
            assert typed(f"{base}{path}") == [403] * 3, (base, path)
    for path in ("/backend/users/me", "/_local/endpoints", "/_local/mail"):
        assert typed(f"{config.site_url}{path}") == [403] * 3, path
    for path in ("/", "/_local/", "/_local/signin", "/_local/events"):
        assert typed(f"{config.site_url}{path}") == [200] * 3, path
    assert typed(world.checkout().url) == [200] * 3
    assert state(config) == before
