"""Billing meters: what is reported, what is refused, and what is taken back."""

import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.stripe.account import Account
from localcloud.stripe.api import Request, answer
from tests.integration.stripe_fixtures import (
    DAY,
    ENDIVE,
    LocalStripe,
    config_for,
    fresh,
    local,
)
from tests.integration.stripe_usage import (
    new_customer,
    new_meter,
    now,
    report,
    used,
)

__all__ = ["fresh", "local"]


def test_a_meter_as_it_is_made(local: LocalStripe) -> None:
    meter = new_meter(local, "made")
    assert meter.id.startswith("mtr_test_61")
    assert (meter.status, meter.livemode, meter.event_time_window) == ("active", False, None)
    assert meter.customer_mapping.to_dict() == {
        "event_payload_key": "stripe_customer_id",
        "type": "by_id",
    }
    assert meter.value_settings.to_dict() == {"event_payload_key": "value"}
    assert meter.status_transitions.to_dict() == {"deactivated_at": None}
    assert meter.updated == meter.created
    assert local.client().v1.billing.meters.retrieve(meter.id) == meter


def test_a_meter_is_renamed_stopped_and_started_again(fresh: LocalStripe) -> None:
    meters = fresh.client().v1.billing.meters
    meter, other = new_meter(fresh, "life"), new_meter(fresh, "other")
    fresh.advance(60)
    renamed = meters.update(meter.id, {"display_name": "New name"})
    assert (renamed.display_name, renamed.event_name) == ("New name", "life")
    assert renamed.updated >= meter.created + 60
    stopped = meters.deactivate(meter.id)
    assert stopped.status == "inactive"
    assert stopped.status_transitions.deactivated_at == now(fresh)
    assert [each.id for each in meters.list({"status": "active"}).data] == [other.id]
    assert [each.id for each in meters.list({"status": "inactive"}).data] == [meter.id]
    assert meters.reactivate(meter.id).status_transitions.deactivated_at is None
    events = fresh.events(meter.id)
    assert [event.type for event in events] == [
        "billing.meter.created",
        "billing.meter.updated",
        "billing.meter.deactivated",
        "billing.meter.reactivated",
    ]
    assert events[1].data.previous_attributes["display_name"] == "Life"


def test_an_event_name_has_one_active_meter(local: LocalStripe) -> None:
    meters = local.client().v1.billing.meters
    first = new_meter(local, "taken")
    with pytest.raises(stripe.InvalidRequestError, match=first.id) as refused:
        new_meter(local, "taken")
    assert refused.value.param == "event_name"
    meters.deactivate(first.id)
    new_meter(local, "taken")
    with pytest.raises(stripe.InvalidRequestError, match="already uses the event name"):
        meters.reactivate(first.id)


def test_an_event_is_answered_as_it_was_sent(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "echo"), new_customer(local)
    moment = now(local) - DAY
    event = report(local, meter, customer, 25, identifier="echo-1", timestamp=moment)
    assert (event.object, event.event_name) == ("billing.meter_event", "echo")
    assert (event.identifier, event.timestamp, event.livemode) == ("echo-1", moment, False)
    assert event.payload.to_dict() == {"stripe_customer_id": customer, "value": "25"}
    assert event.created > moment
    assert "id" not in event.to_dict()
    unnamed = report(local, meter, customer, 1)
    assert len(unnamed.identifier) == 36
    assert unnamed.timestamp == unnamed.created


def test_an_identifier_is_taken_for_a_day(fresh: LocalStripe) -> None:
    meter, customer = new_meter(fresh, "once"), new_customer(fresh)
    report(fresh, meter, customer, 3, identifier="call-1")
    fresh.advance(DAY - 60)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        report(fresh, meter, customer, 4, identifier="call-1")
    # the v1 endpoint tells by its sentence alone
    assert refused.value.user_message == "An event already exists with identifier call-1."
    assert (refused.value.http_status, refused.value.code) == (400, None)
    assert used(fresh, meter, customer) == 3
    fresh.advance(61)
    report(fresh, meter, customer, 4, identifier="call-1")
    assert used(fresh, meter, customer) == 7


def test_a_refused_event_does_not_take_its_identifier(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "mistake"), new_customer(local)
    with pytest.raises(stripe.InvalidRequestError):
        report(local, meter, customer, "many", identifier="call-2")
    report(local, meter, customer, 2, identifier="call-2")
    assert used(local, meter, customer) == 2


def test_a_replayed_request_counts_once(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "replay"), new_customer(local)
    params: Any = {
        "event_name": "replay",
        "payload": {"stripe_customer_id": customer, "value": "5"},
    }
    events = local.client().v1.billing.meter_events
    first = events.create(params, {"idempotency_key": "usage-1"})
    assert events.create(params, {"idempotency_key": "usage-1"}).identifier == first.identifier
    assert used(local, meter, customer) == 5


def test_a_timestamp_lies_between_35_days_ago_and_five_minutes_ahead(fresh: LocalStripe) -> None:
    fresh.advance(40 * DAY)
    meter, customer = new_meter(fresh, "dated"), new_customer(fresh)
    report(fresh, meter, customer, 1, timestamp=now(fresh) - 35 * DAY + 60)
    report(fresh, meter, customer, 1, timestamp=now(fresh) + 240)
    for moment, words in (
        (now(fresh) - 35 * DAY - 60, "no more than 35 days in the past"),
        (now(fresh) + 360, "no more than 5 minutes in the future"),
    ):
        with pytest.raises(stripe.InvalidRequestError, match=words):
            report(fresh, meter, customer, 1, timestamp=moment)
    assert used(fresh, meter, customer) == 2


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"value": "1"}, "Customer mapping key stripe_customer_id not found in payload"),
        ({"stripe_customer_id": "cus_nobody", "value": "1"}, "No such customer: 'cus_nobody'"),
        ({"stripe_customer_id": "<customer>"}, "Value key value not found in payload"),
        ({"stripe_customer_id": "<customer>", "value": ""}, "must be a whole number"),
        ({"stripe_customer_id": "<customer>", "value": "1.5"}, "must be a whole number"),
        ({"stripe_customer_id": "<customer>", "value": "1e3"}, "must be a whole number"),
    ],
)
def test_a_payload_that_cannot_be_billed_is_refused(
    fresh: LocalStripe, payload: dict[str, str], words: str
) -> None:
    customer = new_customer(fresh)
    meter = new_meter(fresh, "strict")
    sent = {key: customer if value == "<customer>" else value for key, value in payload.items()}
    with pytest.raises(stripe.InvalidRequestError, match=words) as refused:
        fresh.client().v1.billing.meter_events.create({"event_name": "strict", "payload": sent})
    assert refused.value.http_status == 400
    assert used(fresh, meter, customer) == 0


def test_a_value_of_many_digits(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "digits"), new_customer(local)
    report(local, meter, customer, "-000999999999999999")
    assert used(local, meter, customer) == -999999999999999
    with pytest.raises(stripe.InvalidRequestError, match="at most 15 digits"):
        report(local, meter, customer, "1234567890123456", version=ENDIVE)
    with pytest.raises(stripe.APIError, match="does not implement usage values of more than 15"):
        report(local, meter, customer, "1234567890123456")
    with pytest.raises(stripe.APIError, match="does not implement usage values that are not whole"):
        report(local, meter, customer, "0.5", version=ENDIVE)


def test_events_need_an_active_meter(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "stopped"), new_customer(local)
    local.client().v1.billing.meters.deactivate(meter.id)
    payload = {"stripe_customer_id": customer, "value": "1"}
    for name in ("stopped", "unheard_of"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            local.client().v1.billing.meter_events.create({"event_name": name, "payload": payload})
        assert refused.value.user_message == f'No active meter found for event name "{name}".'


def test_a_deleted_customer_uses_nothing(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "gone"), new_customer(local)
    local.client().v1.customers.delete(customer)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        report(local, meter, customer, 1)


def test_a_meter_reads_the_keys_it_was_given(local: LocalStripe) -> None:
    customer = new_customer(local)
    meter = new_meter(
        local,
        "keys",
        customer_mapping={"event_payload_key": "who", "type": "by_id"},
        value_settings={"event_payload_key": "tokens"},
    )
    sent = {"who": customer, "tokens": "12", "model": "large"}
    event = local.client().v1.billing.meter_events.create({"event_name": "keys", "payload": sent})
    assert event.payload.to_dict() == sent
    assert used(local, meter, customer) == 12


def cancel(local: LocalStripe, event_name: str, identifier: str) -> Any:
    params: Any = {
        "event_name": event_name,
        "type": "cancel",
        "cancel": {"identifier": identifier},
    }
    return local.client().v1.billing.meter_event_adjustments.create(params)


def test_an_event_is_cancelled_within_a_day(fresh: LocalStripe) -> None:
    meter, customer = new_meter(fresh, "undone"), new_customer(fresh)
    other = new_meter(fresh, "not_undone")
    report(fresh, meter, customer, 100, identifier="wrong")
    report(fresh, meter, customer, 1, identifier="right")
    with pytest.raises(stripe.InvalidRequestError, match="No event with identifier wrong"):
        cancel(fresh, other.event_name, "wrong")
    adjustment = cancel(fresh, "undone", "wrong")
    assert adjustment.to_dict() == {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": "wrong"},
        "event_name": "undone",
        "livemode": False,
        "status": "pending",
        "type": "cancel",
    }
    assert used(fresh, meter, customer) == 1
    with pytest.raises(stripe.InvalidRequestError, match="is cancelled already"):
        cancel(fresh, "undone", "wrong")
    fresh.advance(DAY + 1)
    with pytest.raises(stripe.InvalidRequestError, match="within the last 24 hours"):
        cancel(fresh, "undone", "right")
    assert used(fresh, meter, customer) == 1


def test_usage_outlives_a_restart(fresh: LocalStripe) -> None:
    meter, customer = new_meter(fresh, "kept"), new_customer(fresh)
    report(fresh, meter, customer, 6)
    fresh.stop()
    fresh.start()
    assert used(fresh, meter, customer) == 6


def test_thousands_of_events_are_no_burden(tmp_path: Path) -> None:
    """Neither do the last ones take longer than the first, nor a sum over one customer's."""
    account = Account(config_for(tmp_path))
    headers = {"authorization": f"Bearer {account.secret_key}"}

    def call(method: str, path: str, text: str) -> str:
        query, body = (text, b"") if method == "GET" else ("", text.encode())
        made = answer(account, Request(method, f"/v1/{path}", query, headers, body))
        assert made.status == 200, made.body
        return made.body

    made = call(
        "POST",
        "billing/meters",
        "display_name=T&event_name=tokens&default_aggregation[formula]=sum",
    )
    meter = made.partition('"id": "')[2].partition('"')[0]
    customers = [
        call("POST", "customers", "").partition('"id": "')[2].partition('"')[0] for _ in range(10)
    ]
    started = time.monotonic()
    for number in range(3000):
        call(
            "POST",
            "billing/meter_events",
            f"event_name=tokens&payload[stripe_customer_id]={customers[number % 10]}"
            f"&payload[value]=2&identifier=call-{number}",
        )
    took = time.monotonic() - started
    assert took < 9, f"{took:.1f} s for 3,000 events"
    plan = account.store.db.execute(
        "EXPLAIN QUERY PLAN SELECT 1 FROM usage WHERE identifier = ? AND received > ?", ("", 0)
    ).fetchall()
    assert "USING INDEX" in plan[0]["detail"] or "COVERING INDEX" in plan[0]["detail"]
    end = int(account.clock.now()) // 60 * 60 + 120
    summary = call(
        "GET",
        f"billing/meters/{meter}/event_summaries",
        f"customer={customers[3]}&start_time=0&end_time={end}",
    )
    assert '"aggregated_value": 600' in summary
    account.store.close()


def test_the_events_of_api_v2_are_not_built_and_say_so(local: LocalStripe) -> None:
    new_meter(local, "second")
    sent: Any = {"event_name": "second", "payload": {"stripe_customer_id": "cus_1", "value": "1"}}
    with pytest.raises(stripe.APIError, match="does not implement POST /v2/billing/meter_events"):
        local.client().v2.billing.meter_events.create(sent)
