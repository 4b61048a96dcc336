"""A customer at the portal's pages: reads them, follows links and posts forms as a browser does."""

import contextlib
import html
import json
import sqlite3
import urllib.parse
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import PROFESSIONAL, STARTER, LocalStripe

VOID = {"br", "input", "link", "meta"}


@dataclass
class Form:
    """A form as it stands: where it goes, what it would send, its buttons by their text."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)


class Page(HTMLParser):
    """What of a page a person can use."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__()
        self.status = status
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.alert = ""
        self._inside: list[tuple[str, dict[str, str]]] = []
        self._words: list[str] = []
        self._text: list[str] = []
        self.feed(text)
        self.text = " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(at.get("method", "get"), at.get("action", "")))
        elif tag in ("input", "textarea") and self.forms and at.get("name"):
            ticked = at.get("type") not in ("radio", "checkbox") or "checked" in at
            if ticked:
                self.forms[-1].fields[at["name"]] = at.get("value", "")
        if tag in ("button", "a"):
            self._words = []
        if tag not in VOID:
            self._inside.append((tag, at))

    def handle_data(self, data: str) -> None:
        if any(tag in ("style", "script") for tag, _ in self._inside):
            return
        self._words.append(data)
        self._text.append(data)
        if any(at.get("role") == "alert" for _, at in self._inside):
            self.alert += data.strip()

    def handle_endtag(self, tag: str) -> None:
        while self._inside:
            opened, at = self._inside.pop()
            if opened == tag:
                break
        else:
            return
        label = " ".join("".join(self._words).split())
        if tag == "a":
            self.links[label] = at.get("href", "")
        elif tag == "button" and self.forms:
            sends = {at["name"]: at.get("value", "")} if at.get("name") else {}
            self.forms[-1].buttons[label] = sends

    def form(self, button: str, **having: str) -> Form:
        """The form with that button, and with these values in its fields."""
        for each in self.forms:
            if button in each.buttons and having.items() <= each.fields.items():
                return each
        raise AssertionError(f"no button {button!r} in {self.text}")


class Visitor:
    """Somebody with a link to the portal."""

    def __init__(self, local: LocalStripe, session: Any) -> None:
        self.local = local
        self.session = session
        self.left = ""
        self.page = self.go(f"/p/session/{session.id}")

    def go(self, address: str) -> Page:
        return self._send("GET", address, None)

    def follow(self, link: str) -> Page:
        return self.go(self.page.links[link])

    def press(self, button: str, having: dict[str, str] | None = None, **typed: str) -> Page:
        """Press a button of a form, with `typed` in its fields."""
        form = self.page.form(button, **(having or {}))
        data = urllib.parse.urlencode({**form.fields, **typed, **form.buttons[button]})
        if form.method == "get":
            return self._send("GET", f"{form.action}?{data}", None)
        return self._send("POST", form.action, data.encode())

    def type_card(self, number: str, **more: str) -> Page:
        """Fill in the form for a new card, and save it."""
        return self.press(
            "Save card", None, number=number, expiry="12 / 40", cvc="123", name="Ada", **more
        )

    def _send(self, method: str, address: str, body: bytes | None) -> Page:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        status, answered, text = self.local.http(method, html.unescape(address), body, headers)
        if status == 303:
            target = answered["Location"]
            if not target.startswith("/"):
                self.left = target  # to the site
                return self.page
            return self._send("GET", target, None)
        self.page = Page(status, text.decode())
        return self.page


def catalogue(local: LocalStripe, *lookup_keys: str) -> list[dict[str, Any]]:
    """`products` of a configuration with one price each."""
    found = local.client().v1.prices.list({"lookup_keys": list(lookup_keys)}).data
    assert len(found) == len(lookup_keys)
    return [{"product": price.product, "prices": [price.id]} for price in found]


def switching(local: LocalStripe, **more: Any) -> dict[str, Any]:
    """Features that let customers change between the two plans, paid at once."""
    return {
        "payment_method_update": {"enabled": True},
        "subscription_update": {
            "default_allowed_updates": ["price"],
            "enabled": True,
            "products": catalogue(local, STARTER, PROFESSIONAL),
            "proration_behavior": "always_invoice",
            **more,
        },
    }


def refused(local: LocalStripe, kind: str, params: Any) -> stripe.StripeError:
    portal = local.client().v1.billing_portal
    create: Any = portal.sessions.create if kind == "session" else portal.configurations.create
    with pytest.raises(stripe.StripeError) as caught:
        create(params)
    return caught.value


def configured(local: LocalStripe, **features: Any) -> Any:
    params: Any = {"features": features}
    return local.client().v1.billing_portal.configurations.create(params)


def visit(
    local: LocalStripe,
    customer: str,
    features: dict[str, Any] | None = None,
    flow: dict[str, Any] | None = None,
) -> Visitor:
    """Open the portal, as configured by `features`, else by the account's default."""
    client = local.client()
    params: Any = {"customer": customer, "return_url": "https://example.com/account"}
    if features is not None:
        configuration: Any = {"features": features}
        made = client.v1.billing_portal.configurations.create(configuration)
        params["configuration"] = made.id
    if flow is not None:
        params["flow_data"] = flow
    return Visitor(local, client.v1.billing_portal.sessions.create(params))


def types_since(local: LocalStripe, about: str, before: int) -> list[str]:
    """The types of the events about a customer after the first `before`."""
    return [event.type for event in local.events(about)][before:]


def posted(visitor: Visitor, action: str, **fields: str) -> int:
    """Post a form that the page does not show, with the secret that it knows."""
    path = f"/p/session/{visitor.session.id}/{secret_of(visitor)}/{action}"
    body = urllib.parse.urlencode(fields).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return visitor.local.http("POST", path, body, headers)[0]


def secret_of(visitor: Visitor) -> str:
    """What only the session's own pages know."""
    with contextlib.closing(
        sqlite3.connect(visitor.local.config.state_dir / "stripe.sqlite")
    ) as db:
        where = "SELECT body FROM objects WHERE id = ?"
        [body] = db.execute(where, (visitor.session.id,)).fetchone()
    return str(json.loads(body)["_secret"])
