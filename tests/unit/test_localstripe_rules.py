"""Calendar, cards, versions, storage and catalogue of the local Stripe."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from localcloud.stripe import catalogue, versions
from localcloud.stripe.account import Account
from localcloud.stripe.cards import CARDS, TOKENS, CardDetails, check_details, passes_luhn
from localcloud.stripe.errors import StripeError
from localcloud.stripe.nouns import PREFIXES, new_id
from localcloud.stripe.periods import next_end, shift
from localcloud.stripe.registry import Resource, Route, Router
from localcloud.stripe.store import Store, equal, within
from localcloud.stripe.work import difference, merge_metadata
from tests.integration.stripe_fixtures import config_for


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("anchor", "interval", "count", "expected"),
    [
        ("2026-01-31T10:00", "month", 1, "2026-02-28T10:00"),
        ("2026-01-31T10:00", "month", 2, "2026-03-31T10:00"),
        ("2028-01-31T10:00", "month", 1, "2028-02-29T10:00"),
        ("2026-12-15T00:00", "month", 1, "2027-01-15T00:00"),
        ("2028-02-29T00:00", "year", 1, "2029-02-28T00:00"),
        ("2026-03-29T01:30", "day", 1, "2026-03-30T01:30"),
        ("2026-03-29T01:30", "week", 2, "2026-04-12T01:30"),
    ],
)
def test_shift(anchor: str, interval: str, count: int, expected: str) -> None:
    assert shift(at(anchor), interval, count) == at(expected)


def test_periods_return_to_the_anchors_day() -> None:
    anchor = start = at("2026-01-31T10:00")
    ends = []
    for _ in range(4):
        start = next_end(anchor, "month", 1, start)
        ends.append(datetime.fromtimestamp(start, UTC).day)
    assert ends == [28, 31, 30, 31]
    assert next_end(anchor, "month", 3, anchor) == at("2026-04-30T10:00")


def test_every_test_card_passes_luhn_and_every_token_names_one() -> None:
    assert all(passes_luhn(number) for number in CARDS)
    assert set(TOKENS.values()) <= set(CARDS)
    assert not passes_luhn("4242424242424241")


@pytest.mark.parametrize(
    ("number", "month", "year", "cvc", "code"),
    [
        ("4242424242424242", 12, 2030, "123", None),
        ("4242424242424242", 11, 2026, "123", None),
        ("378282246310005", 12, 2030, "1234", None),
        ("378282246310005", 12, 2030, "123", "invalid_cvc"),
        ("4242424242424242", 10, 2026, "123", "invalid_expiry_month"),
        ("4242424242424242", 0, 2030, "123", "invalid_expiry_month"),
        ("4242424242424242", 1, 2025, "123", "invalid_expiry_year"),
        ("4242424242424242", 1, 2099, "123", "invalid_expiry_year"),
        ("4242424242424242", 1, 2030, "12a", "invalid_cvc"),
        ("4242-4242", 1, 2030, "123", "invalid_number"),
    ],
)
def test_card_details(number: str, month: int, year: int, cvc: str, code: str | None) -> None:
    card = CardDetails(number, month, year, cvc)
    now = at("2026-11-22T12:00")
    if code is None:
        assert check_details(card, now).brand
        return
    with pytest.raises(StripeError) as caught:
        check_details(card, now)
    assert (caught.value.status, caught.value.code) == (402, code)


def test_render_goes_back_in_time_everywhere() -> None:
    session = {
        "object": "checkout.session",
        "ui_mode": "hosted_page",
        "allowed_payment_method_types": None,
        "subscription": {"object": "subscription", "billing_schedules": [], "id": "sub_1"},
    }
    old = versions.render({"object": "list", "data": [session]}, versions.DEFAULT)["data"][0]
    assert old == {
        "object": "checkout.session",
        "ui_mode": "hosted",
        "subscription": {"object": "subscription", "id": "sub_1"},
    }
    assert versions.render(session, "2026-10-28.endive") == session
    assert versions.render(session, "2026-08-26.dahlia")["ui_mode"] == "hosted_page"
    assert versions.render({"ui_mode": "elements"}, versions.DEFAULT, "checkout.session") == {
        "ui_mode": "custom"
    }


def test_difference_is_previous_attributes() -> None:
    before = {"a": 1, "b": {"x": 1, "y": 2}, "c": [1], "d": None, "e": {}}
    after = {"a": 1, "b": {"x": 1, "y": 3}, "c": [2], "d": 5, "e": {"k": "v"}, "f": 1}
    assert difference(before, after) == {
        **{"b": {"y": 2}, "c": [1], "d": None, "f": None},
        "e": {"k": None},  # as Stripe tells of the first key of metadata
    }
    assert difference(after, before)["e"] == {"k": "v"}
    assert difference(before, before) == {}


def test_metadata_merges() -> None:
    assert merge_metadata({"a": "1", "b": "2"}, {"b": None, "c": "3"}) == {"a": "1", "c": "3"}
    assert merge_metadata({"a": "1"}, None) == {}


def test_ids_look_like_stripes() -> None:
    for kind, (prefix, length) in PREFIXES.items():
        found = new_id(kind)
        assert found.startswith(prefix)
        assert len(found) == len(prefix) + length
    assert len({new_id("customer") for _ in range(100)}) == 100


def test_router_prefers_literals() -> None:
    resource = Resource("x", (Route("GET", "/v1/x/{id}", dict), Route("GET", "/v1/x/own", dict)))
    router = Router([resource])
    assert router.find("GET", "/v1/x/own") == (resource.routes[1], {})
    assert router.find("GET", "/v1/x/5") == (resource.routes[0], {"id": "5"})
    assert router.find("GET", "/v1/x/5/6") is None
    assert router.find("POST", "/v1/x/5") is None
    assert router.find("GET", "/v1/x/search") is None


def test_store_rolls_back_and_orders(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    with store.transaction():
        for number in range(5):
            store.put({"id": f"x{number}", "object": "x", "created": number, "_due": 9 - number})

    def fail() -> None:
        with store.transaction():
            store.put({"id": "x9", "object": "x", "created": 9})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [each["id"] for each in store.select("x")] == ["x4", "x3", "x2", "x1", "x0"]
    assert [each["id"] for each in store.select("x", within("created", {"gte": 1, "lt": 3}))] == [
        "x2",
        "x1",
    ]
    assert [each["id"] for each in store.select("x", equal("created", 4))] == ["x4"]
    due = store.next_due(9)
    assert due is not None
    assert due["id"] == "x4"
    assert store.next_due(4) is None
    store.close()


def test_store_refuses_another_layout(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.db.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(RuntimeError, match="another release"):
        Store(tmp_path / "s.sqlite")


def test_a_changed_amount_makes_a_new_price(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    account = Account(config)
    plans = tmp_path / "plans.toml"
    text = (
        '[[plans]]\nid = "a"\nname = "A"\nprice_key = "k"\nlookup_key = "key"\n'
        'amount_cents = {}\ninterval = "month"\n'
    )
    found = []
    for amount in (100, 100, 200, 100):
        plans.write_text(text.format(amount))
        with account.store.transaction():
            catalogue.seed(account.work(), config, plans)
        [price] = account.store.select("price", equal("lookup_key", "key"))
        found.append((price["id"], price["unit_amount"]))
    assert found[0] == found[1]
    assert found[2][1] == 200
    assert found[3] == found[0]
    assert len(account.store.select("price")) == 2
    assert len(account.store.select("product")) == 1
    assert len({price["product"] for price in account.store.select("price")}) == 1
    account.store.close()


def test_a_deleted_product_comes_back(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    account = Account(config)
    with account.store.transaction():
        catalogue.seed(account.work(), config)
        work = account.work()
        for product in account.store.select("product", equal("metadata.plan", "enterprise")):
            work.update(product, _deleted=True)
        catalogue.seed(account.work(), config)
    found = account.store.select("product")
    assert [each for each in found if each.get("_deleted")] == []
    assert len(found) == 3
    account.store.close()
