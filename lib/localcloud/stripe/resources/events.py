"""Events: what happened (https://docs.stripe.com/api/events). They are made by `announce`."""

from localcloud.stripe import announce
from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import page
from localcloud.stripe.params import EXPAND, PAGE, Array, Boolean, Hash, Range, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, Where, among, equal, within
from localcloud.stripe.work import Work

URL = "/v1/events"
UNDELIVERED = "EXISTS (SELECT 1 FROM deliveries WHERE event = objects.id AND state <> 'succeeded')"


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("event", id))


def list_all(work: Work, params: Obj) -> Obj:
    """`delivery_success=false`: an endpoint that was to get it has not (yet) acknowledged it."""
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", "type")
    wheres = []
    if "type" in params:
        prefix, star, _ = params["type"].partition("*")
        pattern = Where("substr(json_extract(body, '$.type'), 1, ?) = ?", (len(prefix), prefix))
        wheres.append(pattern if star else equal("type", params["type"]))
    if "types" in params:
        wheres.append(among("type", params["types"]))
    if "created" in params:
        wheres.append(within("created", params["created"]))
    if "delivery_success" in params:
        wheres.append(Where(f"NOT {UNDELIVERED}" if params["delivery_success"] else UNDELIVERED))
    return page(work, "event", URL, params, *wheres)


def present(work: Work, event: Obj) -> Obj:
    return announce.show(work, event)


RESOURCE = Resource(
    kind="event",
    present=present,
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {
                    **PAGE,
                    "created": Range(),
                    "delivery_success": Boolean(),
                    "type": Text(),
                    "types": Array(Text(), longest=20),
                }
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
    ),
)
