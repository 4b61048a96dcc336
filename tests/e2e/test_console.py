"""The console in headless Chromium: every page after a journey is clean, true, live and safe."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
import requests
import stripe
from playwright.sync_api import Browser, Page, expect

from localcloud.stack import Stack
from tests.e2e.browsing import DESKTOP, PATIENCE, PHONE, Watch
from tests.e2e.customer import eventually
from tests.e2e.journey import Journey

PAGES = ("", "mailbox", "events", "calls", "users", "logs", "switches", "api", "signin")
HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
LOOKS = [
    pytest.param(viewport, scheme, id=f"{name}-{scheme}")
    for name, viewport in (("desktop", DESKTOP), ("phone", PHONE))
    for scheme in ("light", "dark")
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of its own: its clock is moved."""
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def endpoints(stack: Stack) -> dict[str, Any]:
    return stack.endpoints()


@pytest.fixture(scope="module")
def walked(endpoints: dict[str, Any]) -> Journey:
    """Somebody who signed up, paid and asked; and another one whose every text is hostile."""
    journey = Journey(endpoints)
    for step in (journey.sign_up, journey.sign_in, journey.gate_closed, journey.checkout):
        step()
    for step in (journey.declined, journey.pay, journey.webhook, journey.generate):
        step()
    _leave_hostile_texts(journey)
    return journey


def _leave_hostile_texts(journey: Journey) -> None:
    journey.post("/ai/generate", {"prompt": HOSTILE})
    stranger = Journey(journey.endpoints)
    stranger.site.post(
        f"{journey.endpoints['site']}/_local/session",
        json={"sub": "user/with?odd&id", "email": "eve@example.com", "name": HOSTILE},
        timeout=30,
    ).raise_for_status()
    assert stranger.get("/users/me")["data"]["name"] == HOSTILE
    journey.stripe.v1.customers.create({"name": HOSTILE, "metadata": {"note": HOSTILE}})
    ses = boto3.client(
        "ses",
        endpoint_url=journey.endpoints["aws"],
        region_name=journey.endpoints["region"],
        aws_access_key_id=journey.endpoints["accessKeyId"],
        aws_secret_access_key=journey.endpoints["secretAccessKey"],
    )
    ses.verify_email_identity(EmailAddress="app@example.com")
    ses.send_email(
        Source="app@example.com",
        Destination={"ToAddresses": ["eve@example.com"]},
        Message={"Subject": {"Data": HOSTILE}, "Body": {"Text": {"Data": HOSTILE}}},
    )


@pytest.fixture
def page(browser: Browser, endpoints: dict[str, Any], walked: Journey) -> Iterator[Page]:
    context = browser.new_context(base_url=endpoints["site"], viewport=DESKTOP)  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    watch = Watch(opened)
    yield opened
    watch.assert_clean()
    context.close()


def _details(journey: Journey) -> list[str]:
    """One page of each kind about one thing."""
    call = next(iter(journey.get("/ai/history")["data"]))
    answer = journey.site.get(journey.url("/ai/usage"), timeout=30)
    event = journey.stripe.v1.events.list({"limit": 1}).data[0]
    return [
        f"events/{event.id}",
        "events?type=invoice.*",
        f"calls?user={journey.user_id}#call-{call['id']}",
        f"users/{journey.user_id}",
        "users/user%2Fwith%3Fodd&id",
        f"logs/{answer.headers['x-correlation-id']}",
        "logs?q=settled",
    ]


@pytest.mark.parametrize(("viewport", "scheme"), LOOKS)
def test_every_page_is_clean(
    browser: Browser,
    endpoints: dict[str, Any],
    walked: Journey,
    viewport: dict[str, int],
    scheme: Any,
) -> None:
    page = browser.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
    watch = Watch(page)
    for path in [*PAGES, *_details(walked)]:
        answer = page.goto(f"{endpoints['site']}/_local/{path}")
        assert answer is not None
        assert answer.status == 200, path
        expect(page.get_by_role("heading", level=1)).not_to_be_empty()
        expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_count(1)
        for detail in page.locator("details").all():
            detail.evaluate("each => { each.open = true }")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], f"{path} scrolls sideways"
        assert page.title().endswith("· Groundwork console"), path
    page.close()
    watch.assert_clean()


def test_secrets_are_not_shown(endpoints: dict[str, Any], walked: Journey) -> None:
    secrets = ("secretAccessKey", "nextauthSecret", "stripeSecretKey", "webhookSecret")
    events = walked.stripe.v1.events.list({"type": "payment_intent.*", "limit": 5}).data
    paths = [*PAGES, *_details(walked), *(f"events/{event.id}" for event in events)]
    assert any("_secret_" in str(event.data.object) for event in events)
    for path in paths:
        text = requests.get(f"{endpoints['site']}/_local/{path}", timeout=30).text
        for name in secrets:
            assert endpoints[name] not in text, f"{path} shows {name}"
        assert not any(f"_secret_{letter}" in text for letter in "abcdefghijklmnop"), path


def test_the_mailbox_has_the_code_to_copy(page: Page, walked: Journey) -> None:
    page.goto("/_local/mailbox")
    mail = page.get_by_role("listitem").filter(has_text=walked.email)
    code = walked.mailed_code()
    expect(mail.locator("code")).to_have_text(code)
    mail.get_by_role("button", name="Copy code").click()
    expect(mail.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code


def test_the_paid_customers_events_are_delivered(page: Page, walked: Journey) -> None:
    page.goto("/_local/events")
    page.get_by_label("Customer").fill(walked.email)
    page.get_by_label("Type").fill("checkout.session.completed")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("#live li")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(walked.email)
    expect(rows).to_contain_text("delivered")
    expect(rows).to_contain_text("200")
    rows.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("checkout.session.completed")
    payload = page.locator("#payload")
    expect(payload).to_contain_text(f'"id": "{walked.session_id}"')
    expect(payload).to_contain_text(f'"userId": "{walked.user_id}"')


def test_an_event_is_sent_again(page: Page) -> None:
    page.goto("/_local/events?type=invoice.paid")
    page.locator("#live li a").first.click()
    expect(page.locator(".attempts li")).to_have_count(1)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").filter(has_text="Sent again")).to_be_visible()
    expect(page.locator(".attempts li")).to_have_count(2)


def test_ai_calls_have_their_tokens_and_cost(page: Page, walked: Journey) -> None:
    (row,) = [
        row for row in walked.rows(f"AI#{walked.user_id}", "CALL#") if "metering" in row["prompt"]
    ]
    page.goto(f"/_local/calls?user={walked.user_id}")
    call = page.locator("li.ai-call").filter(has_text="metering must be exact")
    expect(call).to_contain_text(walked.email)
    expect(call).to_contain_text(f"{row['inputTokens']} in, {row['outputTokens']} out")
    assert row["costMicroUsd"] > 0
    expect(call).to_contain_text(f"${int(row['costMicroUsd']) / 1_000_000:.6f}")
    expect(call).to_contain_text(row["outcome"])
    call.locator("summary").press("Enter")
    expect(call).to_contain_text(row["response"])


def test_a_users_state_is_the_apis(page: Page, walked: Journey) -> None:
    usage = walked.get("/ai/usage")["data"]
    status = walked.status()["subscription"]
    page.goto("/_local/users")
    page.get_by_role("link").filter(has_text=walked.email).click()
    live = page.locator("#live")
    expect(live).to_contain_text("Starter, $29.00 a month")
    expect(live).to_contain_text(status["stripeSubscriptionId"])
    calls = usage["calls"]
    expect(live).to_contain_text(f"{calls['used']:,} used, {calls['left']:,} left")
    (period,) = walked.rows(f"AI#{walked.user_id}", "PERIOD#")
    expect(live).to_contain_text(f"${int(period['costMicroUsd']) / 1_000_000:.6f} used")
    page.get_by_role("link", name="Events of this customer").click()
    expect(page.locator("#live")).to_contain_text("customer.subscription.created")


def test_signing_in_as_somebody(page: Page, walked: Journey) -> None:
    page.goto(f"/_local/users/{walked.user_id}")
    page.get_by_role("button", name="Sign in as this user").click()
    expect(page.get_by_test_id("subscription-status")).to_have_text("active", ignore_case=True)
    expect(page.get_by_text(walked.email)).to_be_visible()
    page.goto(f"/_local/users/{walked.user_id}")
    expect(page.get_by_text("This browser is signed in as this user")).to_be_visible()


def test_a_requests_log_is_found_by_its_ids(page: Page, walked: Journey) -> None:
    correlation_id = f"walk-{uuid.uuid4().hex[:8]}"
    refused = walked.site.post(
        walked.url("/ai/generate"),
        json={"prompt": ""},
        headers={"Origin": walked.endpoints["site"], "x-correlation-id": correlation_id},
        timeout=30,
    )
    request_id = refused.json()["requestId"]
    page.goto("/_local/logs")
    page.get_by_label("Search").fill(request_id)
    page.get_by_role("button", name="Search").click()
    page.locator("#live a").filter(has_text="POST /ai/generate").click()
    live = page.locator("#live")
    expect(live).to_contain_text("400")
    expect(live).to_contain_text(request_id)
    expect(live).to_contain_text("answered")
    expect(live).to_contain_text("validation_failed")
    page.get_by_role("link", name=correlation_id).click()
    expect(page.locator("#live")).to_contain_text("POST /ai/generate")


def test_pages_follow_what_happens(page: Page, walked: Journey) -> None:
    page.goto("/_local/events")
    name = f"Live {uuid.uuid4().hex[:6]}"
    customer = walked.stripe.v1.customers.create({"name": name})
    expect(page.locator("#live li").first).to_contain_text(customer.id)
    expect(page.locator("#live li").first).to_contain_text("delivered")
    page.goto("/_local/logs")
    walked.get("/plans")
    expect(page.locator("#live li").first).to_contain_text("GET /plans")


def test_hostile_texts_stay_texts(page: Page, walked: Journey) -> None:
    shown = {
        "mailbox": page.get_by_role("heading", name=HOSTILE),
        "calls": page.locator(".prompt").filter(has_text=HOSTILE),
        "users": page.locator("li").filter(has_text=HOSTILE),
        "users/user%2Fwith%3Fodd&id": page.get_by_text(HOSTILE),
        "logs?q=%3Cscript%3E": page.get_by_label("Search"),
    }
    event = walked.stripe.v1.events.list({"type": "customer.created", "limit": 5}).data
    (hostile,) = [each for each in event if each.data.object["name"] == HOSTILE]
    shown[f"events/{hostile.id}"] = page.locator("#payload").filter(has_text="onerror")
    for path, found in shown.items():
        page.goto(f"/_local/{path}")
        expect(found.first).to_be_visible()
        assert page.locator("main img, main script").count() == 0, path
        assert page.title().endswith("· Groundwork console")


def test_the_clock_moves_by_a_button(page: Page, walked: Journey) -> None:
    page.goto("/_local/switches")
    expect(page.locator("#live")).to_contain_text("Real time")
    # In the part that is kept up to date: after a renewal the next one comes by itself.
    expect(page.locator("#live").get_by_role("button", name="To the next renewal")).to_be_visible()
    page.get_by_role("button", name="A day").click()
    expect(page.get_by_role("status").filter(has_text="The clock was moved")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("1 day ahead of real time")
    expect(page.locator("#live")).to_contain_text("by which requests, mails and attempts")
    page.get_by_label("By", exact=True).fill("sideways")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("by is seconds, or a duration such as")
    page.goto("/_local/")
    expect(page.locator("#live")).to_contain_text("1 day ahead of real time")
    page.goto("/_local/events?type=invoice.paid")
    page.locator("#live li a").first.click()
    expect(page.locator("#live")).to_contain_text("by real time: the clock is 1 day")
    eventually(
        lambda: requests.get(f"{walked.endpoints['site']}/_health", timeout=10).ok,
        "the stack did not go on",
    )


def test_a_fault_strikes_and_is_disarmed(page: Page, walked: Journey) -> None:
    page.goto("/_local/switches")
    expect(page.locator("#live")).to_contain_text("none armed")
    page.get_by_role("region", name="Break Bedrock").get_by_label("How many calls").fill("2")
    page.get_by_role("button", name="Arm Bedrock: Server error").click()
    said = page.get_by_role("status").filter(has_text="Armed for 2 calls of Bedrock: server error.")
    expect(said).to_be_visible()
    fault = page.get_by_role("listitem").filter(has_text="Bedrock: error")
    expect(fault).to_contain_text("struck 0 of 2 · 2 calls left")
    refused = walked.post("/ai/generate", {"prompt": "Broken?"}, expect=503)
    assert refused["code"] == "ai_unavailable"
    expect(fault).to_contain_text("struck 1 of 2 · 1 call left")
    page.goto("/_local/")
    expect(page.locator("#live")).to_contain_text("1 armed")
    page.goto("/_local/switches")
    page.get_by_role("button", name="Disarm all").click()
    expect(page.locator("#live")).to_contain_text("none armed")
    walked.post("/ai/generate", {"prompt": "Mended?"})


def test_a_fault_chooses_its_calls_and_stays_until_it_is_disarmed(
    page: Page, walked: Journey
) -> None:
    page.goto("/_local/switches")
    region = page.get_by_role("region", name="Break AWS")
    region.get_by_label("How many calls").fill("")
    region.get_by_text("Advanced").click()
    region.get_by_label("Only calls named").fill("dynamodb:TransactWriteItems")
    region.get_by_label("First one").fill("2")
    region.get_by_role("button", name="Arm AWS: Slow", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="every call of AWS: slow.")).to_be_visible()
    fault = page.get_by_role("listitem").filter(has_text="AWS: latency")
    expect(fault).to_contain_text("seconds 2, from call 2 on")
    expect(fault).to_contain_text("struck 0, until disarmed")
    walked.post("/ai/generate", {"prompt": "Slowly?"})
    expect(fault).not_to_contain_text("struck 0")
    page.get_by_role("button", name="Disarm AWS: latency").click()
    expect(page.get_by_role("status").filter(has_text="It is disarmed.")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("none armed")


@pytest.mark.parametrize(
    ("part", "preset", "shown"),
    [
        ("Stripe", "Error, yet done", "Stripe: error after"),
        ("Webhooks", "Out of order", "Webhooks: reorder"),
    ],
)
def test_every_part_is_armed_and_what_is_spent_stays_in_sight(
    page: Page, walked: Journey, part: str, preset: str, shown: str
) -> None:
    page.goto("/_local/switches")
    page.get_by_role("button", name=f"Arm {part}: {preset}").click()
    fault = page.get_by_role("listitem").filter(has_text=shown)
    expect(fault).to_contain_text("struck 0 of 1")
    with suppress(stripe.APIError):
        walked.stripe.v1.customers.create({"name": "Somebody"})
    expect(fault).to_contain_text("struck 1 of 1")
    expect(page.locator("#live")).to_contain_text("none armed")


def test_the_reference_says_what_the_contract_says(page: Page) -> None:
    page.goto("/_local/api")
    operation = page.locator("details").filter(has_text="/stripe/checkout")
    operation.locator("summary").click()
    expect(operation).to_contain_text("billing-api")
    expect(operation.get_by_role("row").filter(has_text="priceId")).to_contain_text("string")
    expect(operation.get_by_label("Example of answer 200")).to_contain_text('"clientSecret"')
    page.get_by_label("Filter").fill("upload")
    expect(page.locator("details:visible")).to_have_count(1)


def test_the_keyboard_reaches_everything(page: Page) -> None:
    page.goto("/_local/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_place_that_is_in_no_list_is_said(endpoints: dict[str, Any]) -> None:
    for path in ("users", "calls", "events"):
        for place in ("zzz", "\u00e9", "NQ=="):
            address = f"{endpoints['site']}/_local/{path}"
            answer = requests.get(address, params={"before": place}, timeout=30)
            assert (answer.status_code, place in answer.text) == (400, True), (path, place)


def test_what_is_not_there_says_so(page: Page, endpoints: dict[str, Any]) -> None:
    for path, words in (
        ("users/nobody", "The table holds no user nobody."),
        ("logs/nothing", "Nothing is kept of a request nothing."),
        ("events/evt_none", "No such event"),
    ):
        answer = page.goto(f"/_local/{path}")
        assert answer is not None
        assert answer.status == 404
        expect(page.locator("#live")).to_contain_text(words)
