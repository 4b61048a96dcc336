"""Events: what changed is recorded in the same transaction as the change, with its deliveries."""

from localcloud.stripe import event_types, versions
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work


def announce(work: Work, event_type: str, obj: Obj, previous: Obj | None) -> None:
    """Store an event about a presented object and queue it for every endpoint that wants it.

    `data` is kept in the newest shape; it is rendered for an API version when it is shown or sent.
    """
    event_types.check(event_type, obj["object"])
    data: Obj = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    event = {
        "id": new_id("event"),
        "object": "event",
        "api_version": versions.DEFAULT,
        "created": work.now,
        "data": data,
        "livemode": False,
        "request": {"id": work.request_id, "idempotency_key": work.idempotency_key},
        "type": event_type,
    }
    work.store.put(event)
    for endpoint in work.store.select("webhook_endpoint", equal("status", "enabled")):
        if wants(endpoint, event_type):
            work.store.db.execute(
                "INSERT INTO deliveries (event, endpoint, state, next_at) "
                "VALUES (?, ?, 'pending', ?)",
                (event["id"], endpoint["id"], work.wall),
            )


def wants(endpoint: Obj, event_type: str) -> bool:
    """Whether the endpoint subscribed to this type of event."""
    enabled = endpoint["enabled_events"]
    return "*" in enabled or event_type in enabled


def show(work: Work, event: Obj, version: str | None = None) -> Obj:
    """The event as the API or, with `version`, an endpoint of that version gets it."""
    version = version or event["api_version"]
    row = work.store.db.execute(
        "SELECT count(*) FROM deliveries WHERE event = ? AND state = 'pending'", (event["id"],)
    ).fetchone()
    data = event["data"]
    shown: Obj = {"object": versions.render(data["object"], version)}
    if "previous_attributes" in data:
        kind = data["object"]["object"]
        shown["previous_attributes"] = versions.render(data["previous_attributes"], version, kind)
    return {**event, "api_version": version, "data": shown, "pending_webhooks": row[0]}
