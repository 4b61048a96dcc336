"""How long a link to the portal holds, and what is shown when it does not."""

from typing import Any

import pytest

from tests.integration.portal_visitor import posted, visit
from tests.integration.stripe_fixtures import LocalStripe, fresh, local

__all__ = ["fresh", "local"]
CANCEL: dict[str, Any] = {"enabled": True, "mode": "immediately"}


@pytest.mark.parametrize(
    ("visits", "opens"),
    [([299], True), ([301], False), ([200, 3500], True), ([200, 3500, 3550], False)],
)
def test_a_link_holds_for_five_minutes_then_for_an_hour_of_use(
    fresh: LocalStripe, visits: list[int], opens: bool
) -> None:
    customer, _ = fresh.subscriber()
    params: Any = {"customer": customer.id, "return_url": "https://example.com/account"}
    session = fresh.client().v1.billing_portal.sessions.create(params)
    status = 0
    for seconds in visits:
        fresh.advance(seconds)
        status, _, _ = fresh.http("GET", f"/p/session/{session.id}")
    assert status == (200 if opens else 404)


def test_an_expired_or_unknown_link_shows_the_way_back(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    visitor = visit(fresh, customer.id, {"subscription_cancel": CANCEL})
    fresh.advance(3601)
    page = visitor.press("Cancel plan")
    assert (page.status, page.links) == (404, {"Return to site": "https://example.com/account"})
    assert "This page has expired" in page.text
    assert posted(visitor, "cancel", subscription=subscription.id) == 404
    assert fresh.client().v1.subscriptions.retrieve(subscription.id).status == "active"
    page = visitor.go("/p/session/bps_unknown")
    assert page.status == 404
    assert "does not exist" in page.text


def test_a_deleted_customer_has_no_portal(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    visitor = visit(local, customer.id)
    local.client().v1.customers.delete(customer.id)
    assert visitor.go(f"/p/session/{visitor.session.id}").status == 404
