"""What a quantity costs: every figure is worked out by hand beside it."""

from typing import Any

import pytest

from localcloud.stripe import pricing


def price(each: str | None = "1", **more: Any) -> dict[str, Any]:
    return {
        "billing_scheme": "per_unit",
        "currency": "usd",
        "recurring": {"interval": "month", "interval_count": 1},
        "tiers_mode": None,
        "transform_quantity": None,
        "unit_amount_decimal": each,
        **more,
    }


def tiered(mode: str, *tiers: tuple[int | None, str]) -> dict[str, Any]:
    found = [{"up_to": up_to, "unit_amount_decimal": each} for up_to, each in tiers]
    return price(None, billing_scheme="tiered", tiers_mode=mode, _tiers=found)


@pytest.mark.parametrize(
    ("each", "quantity", "amount"),
    [
        ("2900", 3, 8700),
        ("0", 5, 0),
        ("0.05", 9, 0),  # 0.45
        ("0.05", 10, 1),  # 0.5, a half is rounded up
        ("0.05", 30, 2),  # 1.5
        ("0.05", 50, 3),  # 2.5, not to the even neighbour
        ("0.000000000001", 500_000_000_000, 1),  # 0.5
        ("0.000000000001", 499_999_999_999, 0),  # 0.499999999999
        ("0.07", 999_999_999_999_999, 70_000_000_000_000),  # 69,999,999,999,999.93
    ],
)
def test_amounts_are_exact_until_they_are_rounded(each: str, quantity: int, amount: int) -> None:
    assert pricing.amount(price(each), quantity) == amount


@pytest.mark.parametrize(
    ("quantity", "up", "down"),
    [(0, 0, 0), (1, 1000, 0), (60, 1000, 1000), (61, 2000, 1000), (150, 3000, 2000)],
)
def test_quantities_in_packages(quantity: int, up: int, down: int) -> None:
    """150 minutes of a car that costs 10 USD an hour are 30 USD ("Transform quantities")."""
    for word, amount in (("up", up), ("down", down)):
        by_hour = price("1000", transform_quantity={"divide_by": 60, "round": word})
        assert pricing.amount(by_hour, quantity) == amount


@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        (0, [(0, 0)], 0),
        (5, [(5, 3500)], 3500),
        (6, [(5, 3500), (1, 650)], 3900),  # 5 × 7 + 6.50; 6 × 6.50
        (10, [(5, 3500), (5, 3250)], 6500),
        (20, [(5, 3500), (5, 3250), (10, 6000)], 12000),  # … + 10 × 6; 20 × 6
    ],
)
def test_tiers(quantity: int, graduated: list[tuple[int, int]], volume: int) -> None:
    """1–5 at 7 USD, 6–10 at 6.50 USD, more at 6 USD ("Pricing models", tiered pricing)."""
    tiers = ((5, "700"), (10, "650"), (None, "600"))
    found = pricing.parts(tiered("graduated", *tiers), quantity)
    assert [(part.quantity, part.amount) for part in found] == graduated
    assert [part.tier for part in found] == list(range(1, len(graduated) + 1))
    (only,) = pricing.parts(tiered("volume", *tiers), quantity)
    assert (only.quantity, only.amount) == (quantity, volume)


def test_every_tier_is_rounded_by_itself() -> None:
    halves = tiered("graduated", (1, "0.5"), (None, "0.5"))
    assert pricing.amount(halves, 2) == 2


def test_prices_in_words() -> None:
    assert pricing.text(price("2900")) == "at $29.00 / month"
    assert pricing.text(price("0.05")) == "at $0.0005 / month"
    assert pricing.text(price("123456789")) == "at $1,234,567.89 / month"
    hourly = price("1000", transform_quantity={"divide_by": 60, "round": "up"})
    assert pricing.text(hourly) == "at $10.00 per 60 / month"
    thrice = price("100", recurring={"interval": "month", "interval_count": 3}, currency="eur")
    assert pricing.text(thrice) == "at EUR 1.00 every 3 months"
    yen, dinar = price("2900", currency="jpy"), price("2900.5", currency="kwd")
    assert pricing.text(yen) == "at JPY 2,900 / month"
    assert pricing.text(dinar) == "at KWD 2.9005 / month"
    last = pricing.parts(tiered("graduated", (5, "700"), (None, "650")), 6)[1]
    assert pricing.text(tiered("graduated"), last) == "Tier 2 at $6.50 / month"
