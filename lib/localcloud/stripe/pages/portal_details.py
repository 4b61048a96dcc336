"""Billing information in the portal: what the configuration lets customers change of it."""

from typing import Any

from aiohttp import web

from localcloud.stripe.pages.portal_visit import Visit, refusal
from localcloud.stripe.resources import customers
from localcloud.stripe.store import Obj
from localcloud.stripe.versions import DEFAULT

SINGLE = {"name": "Name", "email": "E-mail", "phone": "Phone"}
GROUPS = {"address": "Billing address", "shipping": "Shipping address"}
PLACE = {
    "line1": "Address",
    "line2": "Address, second line",
    "city": "City",
    "state": "State or region",
    "postal_code": "Postal code",
    "country": "Country (two letters)",
}


def form(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The form; if what was typed has been refused (`alert`), with that."""
    fields = {**_known(visit.customer), **(query if alert else {})}
    allowed = _allowed(visit)
    return visit.page(
        "portal_details.html",
        alert=alert,
        single=[
            (name, label, fields.get(name) or "")
            for name, label in SINGLE.items()
            if name in allowed
        ],
        groups=[
            (title, _inputs(group, fields)) for group, title in GROUPS.items() if group in allowed
        ],
    )


def _allowed(visit: Visit) -> list[str]:
    feature = visit.feature("customer_update")
    if not feature["enabled"] or not feature["allowed_updates"]:
        raise refusal()
    allowed: list[str] = feature["allowed_updates"]
    return allowed


def _known(customer: Obj) -> dict[str, Any]:
    """The customer's values by the names of the form's fields."""
    shipping = customer["shipping"] or {}
    places = {"address": customer["address"] or {}, "shipping": shipping.get("address") or {}}
    return {
        **{name: customer[name] for name in SINGLE},
        "shipping_name": shipping.get("name"),
        **{f"{group}_{name}": place.get(name) for group, place in places.items() for name in PLACE},
    }


def _inputs(group: str, fields: dict[str, Any]) -> list[tuple[str, str, str]]:
    names = {"name": "Recipient", **PLACE} if group == "shipping" else PLACE
    return [
        (f"{group}_{name}", label, fields.get(f"{group}_{name}") or "")
        for name, label in names.items()
    ]


def save(visit: Visit, fields: dict[str, str]) -> str:
    """Change the customer, by the API's rules for the same fields."""
    allowed = _allowed(visit)
    raw: dict[str, Any] = {name: _text(fields, name) for name in SINGLE if name in allowed}
    if "address" in allowed:
        raw["address"] = _place(fields, "address")
    if "shipping" in allowed:
        name, place = _text(fields, "shipping_name"), _place(fields, "shipping")
        raw["shipping"] = {"name": name, "address": place} if name else ""
    params = customers.UPDATE.parse(raw, "", DEFAULT) or {}
    customers.update(visit.work, params, visit.customer["id"])
    return "details"


def _text(fields: dict[str, str], name: str) -> str:
    return fields.get(name, "").strip()


def _place(fields: dict[str, str], group: str) -> dict[str, str] | str:
    """An address as the API takes it; an empty one is taken away."""
    place = {name: _text(fields, f"{group}_{name}") for name in PLACE}
    return place if any(place.values()) else ""
