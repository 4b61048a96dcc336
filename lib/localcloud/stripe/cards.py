"""Stripe's test cards (https://docs.stripe.com/testing) and what happens when one is charged."""

from dataclasses import dataclass
from datetime import UTC, datetime

from localcloud.stripe.errors import StripeError


@dataclass(frozen=True)
class TestCard:
    """`decline` is (code, decline_code, message). `attaches`: it declines only once it is charged.

    `authenticate`: None, `once` (set up on session, it can be charged later) or `always`.
    `dispute`: what its owner does about a charge that has succeeded, one of `disputes.KINDS`.
    """

    __test__ = False  # its name, to pytest, looks like a test's
    brand: str
    country: str = "US"
    funding: str = "credit"
    decline: tuple[str, str | None, str] | None = None
    attaches: bool = False
    authenticate: str | None = None
    dispute: str | None = None
    hint: str = ""


DECLINED = "Your card was declined."
GENERIC = ("card_declined", "generic_decline", DECLINED)

CARDS = {
    "4242424242424242": TestCard("visa", hint="succeeds"),
    "4000056655665556": TestCard("visa", funding="debit"),
    "5555555555554444": TestCard("mastercard", hint="succeeds (Mastercard)"),
    "378282246310005": TestCard("amex"),
    "4000000000000002": TestCard("visa", decline=GENERIC, hint="is declined"),
    "4000000000009995": TestCard(
        "visa",
        decline=("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        hint="has insufficient funds",
    ),
    "4000000000009987": TestCard("visa", decline=("card_declined", "lost_card", DECLINED)),
    "4000000000009979": TestCard("visa", decline=("card_declined", "stolen_card", DECLINED)),
    "4000000000000069": TestCard(
        "visa", decline=("expired_card", None, "Your card has expired."), hint="has expired"
    ),
    "4000000000000127": TestCard(
        "visa",
        decline=("incorrect_cvc", None, "Your card's security code is incorrect."),
        hint="has an incorrect CVC",
    ),
    "4000000000000119": TestCard(
        "visa",
        decline=(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
    ),
    "4000000000000341": TestCard(
        "visa", decline=GENERIC, attaches=True, hint="can be saved, then is declined"
    ),
    "4000002500003155": TestCard("visa", authenticate="once", hint="asks for 3D Secure"),
    "4000002760003184": TestCard(
        "visa", authenticate="always", hint="asks for 3D Secure every time"
    ),
    "4000000000000259": TestCard("visa", dispute="fraudulent", hint="is disputed as fraudulent"),
    "4000000000002685": TestCard("visa", dispute="product_not_received"),
    "4000000000001976": TestCard("visa", dispute="inquiry"),
}

# the payment methods and tokens that Stripe offers for tests
TOKENS = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "visa_createDispute": "4000000000000259",
    "visa_createDisputeProductNotReceived": "4000000000002685",
    "visa_createDisputeInquiry": "4000000000001976",
}
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again."
)


@dataclass(frozen=True)
class CardDetails:
    """A card as typed: the number without spaces, month 1–12, four-digit year."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str | None = None
    name: str | None = None


def card_error(code: str, message: str, *, decline_code: str | None = None) -> StripeError:
    """Stripe's 402 for a card that cannot be charged."""
    params = {
        "incorrect_number": "number",
        "invalid_number": "number",
        "invalid_expiry_month": "exp_month",
        "invalid_expiry_year": "exp_year",
        "expired_card": "exp_month",
        "incorrect_cvc": "cvc",
        "invalid_cvc": "cvc",
    }
    return StripeError(
        402,
        message,
        kind="card_error",
        code=code,
        param=params.get(code),
        decline_code=decline_code,
    )


def check_details(card: CardDetails, now: int) -> TestCard:
    """The test card; raises the card error of details that are wrong without asking a bank."""
    if not card.number.isascii() or not card.number.isdigit() or not 12 <= len(card.number) <= 19:
        raise card_error("invalid_number", "Your card number is invalid.")
    if not passes_luhn(card.number):
        raise card_error("incorrect_number", "Your card number is incorrect.")
    today = datetime.fromtimestamp(now, UTC)
    if not 1 <= card.exp_month <= 12:
        raise card_error("invalid_expiry_month", "Your card's expiration month is invalid.")
    if not today.year <= card.exp_year <= today.year + 50:
        raise card_error("invalid_expiry_year", "Your card's expiration year is invalid.")
    if (card.exp_year, card.exp_month) < (today.year, today.month):
        raise card_error("invalid_expiry_month", "Your card's expiration month is invalid.")
    known = CARDS.get(card.number)
    digits = 4 if known and known.brand == "amex" else 3
    if card.cvc is not None and not (
        card.cvc.isascii() and card.cvc.isdigit() and len(card.cvc) == digits
    ):
        raise card_error("invalid_cvc", "Your card's security code is invalid.")
    if known is None:
        raise card_error(
            "card_declined",
            "Your card was declined. Your request was in test mode, but used a non test (live) "
            "card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
            decline_code="test_mode_live_card",
        )
    return known


def passes_luhn(number: str) -> bool:
    """The check digit of a card number is right."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def refusal(number: str, *, saving: bool = False) -> StripeError | None:
    """The bank's refusal of a charge, or of `saving` the card without one; None if it agrees."""
    card = CARDS[number]
    if card.decline is None or (saving and card.attaches):
        return None
    code, decline_code, message = card.decline
    return card_error(code, message, decline_code=decline_code)
