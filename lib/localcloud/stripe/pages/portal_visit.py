"""A customer's visit to the portal: whose it is, what the configuration allows, where it leads.

Sessions live as Stripe's do: five minutes until they are opened, then an hour after the latest
request, two hours in all ("Integrate the customer portal with the API").
"""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError
from localcloud.stripe.pages import arrival, render
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.subscription_objects import full, items_of
from localcloud.stripe.work import Work

UNOPENED, IDLE, LONGEST = 300, 3600, 7200


@dataclass(frozen=True)
class Visit:
    """An open session with its customer and configuration."""

    work: Work
    session: Obj
    customer: Obj
    configuration: Obj

    @property
    def home(self) -> str:
        return f"{self.work.base_path}/p/session/{self.session['id']}"

    @property
    def action(self) -> str:
        """Where forms are posted: it holds a secret that no other site's page can know."""
        return f"{self.home}/{self.session['_secret']}"

    @property
    def flow(self) -> Obj | None:
        """The one thing that the customer came for, unless that is done."""
        return None if self.session.get("_done") else self.session["flow"]

    def feature(self, name: str) -> Obj:
        found: Obj = self.configuration["features"][name]
        return found

    def subscriptions(self) -> list[Obj]:
        """Those that have not ended, newest first."""
        found = self.work.store.select("subscription", equal("customer", self.customer["id"]))
        return [each for each in found if each["status"] not in life.ENDED]

    def subscription(self, identifier: str) -> Obj:
        """One of them; raises a refusal for any other."""
        for each in self.subscriptions():
            if each["id"] == identifier:
                return each
        raise refusal()

    def cards(self) -> list[Obj]:
        return self.work.store.select("payment_method", equal("customer", self.customer["id"]))

    def card(self, identifier: str) -> Obj:
        """One of the customer's cards; raises a refusal for any other."""
        for each in self.cards():
            if each["id"] == identifier:
                return each
        raise refusal()

    def page(self, template: str, *, alert: str | None = None, **values: Any) -> web.Response:
        """A page of the portal; `alert` says why what was asked for has not been done."""
        return render.page(
            template,
            action=self.action,
            alert=alert,
            business=self.configuration["business_profile"],
            flow=bool(self.flow),
            home=self.home,
            return_url=self.session["return_url"],
            **values,
        )


def refusal() -> StripeError:
    """What somebody asks for who is not offered it."""
    return StripeError(409, "This is not possible now. Your billing page shows what is.")


def find(request: web.Request) -> tuple[Visit | None, Obj | None]:
    """The visit, and its session; no visit if the session is unknown or has expired."""
    work = arrival.begin(request)
    with work.store.transaction():
        session = work.find("billing_portal.session", request.match_info["id"])
        if session is None or _expired(session, work.now):
            return None, session
        customer = work.find("customer", session["customer"])
        if customer is None or customer.get("_deleted"):
            return None, session
        work.update(session, _seen=work.now)
    configuration = work.need("billing_portal.configuration", session["configuration"])
    return Visit(work, session, customer, configuration), session


def _expired(session: Obj, now: int) -> bool:
    seen = session.get("_seen")
    idle = session["created"] + UNOPENED if seen is None else seen + IDLE
    return bool(now > min(idle, session["created"] + LONGEST))


def gone(session: Obj | None) -> web.Response:
    """The way back for a visitor without an open session."""
    if session is None:
        return render.message(
            "Nothing here",
            "This billing page does not exist. Go back to the site and open billing again.",
            status=404,
        )
    return render.message(
        "This page has expired",
        "Links to the billing page work for a short time. Go back to the site and open it again.",
        link=session["return_url"],
        status=404,
    )


def plan(work: Work, subscription: Obj) -> dict[str, Any]:
    """What pages say of a subscription: its name, price, state and the card that pays."""
    items = items_of(work, subscription)
    price = work.need("price", items[0]["_price"])
    method = life.method_of(work, subscription)
    return {
        "id": subscription["id"],
        "name": " + ".join(_named(work, item) for item in items),
        "status": subscription["status"],
        "price": render.money(sum(full(work, item) for item in items), price["currency"]),
        "every": render.every(price),
        "card": card_text(method) if method else "",
        "ending": subscription["cancel_at"] is not None,
        "paused": subscription["status"] == "paused",
        "period_end": render.day(items[0]["current_period_end"]),
    }


def _named(work: Work, item: Obj) -> str:
    product = work.find("product", work.need("price", item["_price"])["product"]) or {}
    name = str(product.get("name", "Plan"))
    count = item.get("quantity", 1)  # a metered price has none
    return name if count == 1 else f"{name} × {count}"


def card_text(method: Obj) -> str:
    """`Visa ending in 4242`."""
    card = method["card"]
    return f"{card['brand'].title()} ending in {card['last4']}"
