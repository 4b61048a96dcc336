"""Billing meters: how usage adds up (https://docs.stripe.com/api/billing/meter)."""

from localcloud.stripe.errors import invalid, not_built
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Enum, Hash, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.usage import FORMULAS, WINDOWS
from localcloud.stripe.work import Work

KIND = "billing.meter"
URL = "/v1/billing/meters"
CREATE = Hash(
    {
        **EXPAND,
        "customer_mapping": Hash(
            {"event_payload_key": Text(100), "type": Enum(("by_id",))},
            required=("event_payload_key", "type"),
        ),
        "default_aggregation": Hash({"formula": Enum(tuple(FORMULAS))}, required=("formula",)),
        "display_name": Text(250),
        "event_name": Text(100),
        "event_time_window": Enum(tuple(WINDOWS)),
        "value_settings": Hash({"event_payload_key": Text(100)}, required=("event_payload_key",)),
    },
    required=("default_aggregation", "display_name", "event_name"),
)


def active(work: Work, event_name: str) -> Obj | None:
    """The active meter for events of that name; there is one at most."""
    found = work.store.select(
        KIND, equal("event_name", event_name), equal("status", "active"), limit=1
    )
    return found[0] if found else None


def create(work: Work, params: Obj) -> Obj:
    _check_free(work, params["event_name"], "event_name")
    meter = work.new(
        KIND,
        customer_mapping=params.get(
            "customer_mapping", {"event_payload_key": "stripe_customer_id", "type": "by_id"}
        ),
        default_aggregation=params["default_aggregation"],
        display_name=params["display_name"],
        event_name=params["event_name"],
        event_time_window=params.get("event_time_window"),
        status="active",
        status_transitions={"deactivated_at": None},
        updated=work.now,
        value_settings=params.get("value_settings", {"event_payload_key": "value"}),
    )
    return work.present(work.create(meter, "billing.meter.created"))


def _check_free(work: Work, event_name: str, param: str | None = None) -> None:
    """ "You can only use an event name with a single meter" ("Create and configure a meter")."""
    if holder := active(work, event_name):
        raise invalid(
            f"An active meter (`{holder['id']}`) already uses the event name `{event_name}`.", param
        )


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need(KIND, id))


def update(work: Work, params: Obj, id: str) -> Obj:
    """Only the name can change."""
    meter = work.need(KIND, id)
    if "display_name" in params:
        changes = {"display_name": params["display_name"], "updated": work.now}
        work.update(meter, "billing.meter.updated", **changes)
    return work.present(meter)


def deactivate(work: Work, params: Obj, id: str) -> Obj:
    """No event is accepted for it, and no new price, until it is active again."""
    meter = work.need(KIND, id)
    if meter["status"] == "inactive":
        raise not_built("deactivating a meter that is inactive")
    changes = {"status": "inactive", "status_transitions": {"deactivated_at": work.now}}
    work.update(meter, "billing.meter.deactivated", updated=work.now, **changes)
    return work.present(meter)


def reactivate(work: Work, params: Obj, id: str) -> Obj:
    meter = work.need(KIND, id)
    if meter["status"] == "active":
        raise not_built("reactivating a meter that is active")
    _check_free(work, meter["event_name"])
    changes = {"status": "active", "status_transitions": {"deactivated_at": None}}
    work.update(meter, "billing.meter.reactivated", updated=work.now, **changes)
    return work.present(meter)


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, KIND, URL, params, *filters(params, "status"))


RESOURCE = Resource(
    kind=KIND,
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, Hash({**PAGE, "status": Enum(("active", "inactive"))})),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, Hash({**EXPAND, "display_name": Text(250)})),
        Route("POST", URL + "/{id}/deactivate", deactivate, Hash(EXPAND)),
        Route("POST", URL + "/{id}/reactivate", reactivate, Hash(EXPAND)),
    ),
)
