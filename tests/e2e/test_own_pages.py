"""What the stack's own pages need of its ports works, in a browser as in those that guard them."""

import json
from typing import Any

from playwright.sync_api import expect

from tests.e2e.observed import stripe_of
from tests.e2e.visiting import World, follow, frame, stack, visited, world

__all__ = ["stack", "visited", "world"]
SENT = """
async ([url, method, headers, body]) => {
  const answer = await fetch(url, { method, headers, body: body || undefined });
  return [answer.status, await answer.text()];
}
"""


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
