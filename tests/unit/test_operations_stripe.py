"""What the commands for Stripe refuse before they ask anybody."""

import pytest

from operations.errors import OperationError
from operations.stripe.account import check_mode
from operations.stripe.endpoint import digest
from operations.stripe.prices import cost
from operations.stripe.setup import mapping


@pytest.mark.parametrize("environment", ["dev", "staging"])
@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_a_live_key_is_for_production_alone(environment: str, key: str) -> None:
    with pytest.raises(OperationError, match=f"{environment} must never charge anybody"):
        check_mode(key, environment, allow_test_mode=True)
    check_mode(key, "prod")


@pytest.mark.parametrize("key", ["sk_test_1", "rk_test_1"])
def test_a_test_key_reaches_production_only_when_that_is_said(key: str) -> None:
    with pytest.raises(OperationError, match="ALLOW_TEST_MODE=1"):
        check_mode(key, "prod")
    check_mode(key, "prod", allow_test_mode=True)
    check_mode(key, "dev")


@pytest.mark.parametrize("key", ["pk_test_1", "whsec_1", "unset", "", "sk_test"])
def test_what_is_no_secret_key_is_not_taken_for_one(key: str) -> None:
    with pytest.raises(OperationError, match="not a secret key of Stripe's") as refused:
        check_mode(key, "dev")
    assert not key or f"'{key}'" not in str(refused.value)


def test_a_mapping_is_a_list_of_prices_and_keys() -> None:
    assert mapping("price_1=a, price_2=b price_3=a") == {
        "price_1": "a",
        "price_2": "b",
        "price_3": "a",
    }
    assert mapping("") == {}


@pytest.mark.parametrize("text", ["price_1", "price_1=", "=a", "price_1=a,price_1=b"])
def test_a_mapping_that_says_nothing_or_two_things_is_refused(text: str) -> None:
    with pytest.raises(OperationError, match="one price key for"):
        mapping(text)


def test_prices_are_told_in_words() -> None:
    recurring = {"interval": "month", "interval_count": 1}
    price = {"unit_amount": 2900, "currency": "usd", "recurring": recurring}
    assert cost(price) == "29.00 usd a month"
    assert cost({**price, "recurring": {**recurring, "interval_count": 3}}).endswith("per 3 months")
    assert cost({**price, "recurring": None}) == "29.00 usd once"
    assert cost({**price, "unit_amount": None}) == "by tiers usd a month"


def test_a_digest_tells_secrets_apart_and_nothing_of_them() -> None:
    assert digest("whsec_a") != digest("whsec_b")
    assert len(digest("whsec_a")) == 16
