"""Payment methods: saved test cards (https://docs.stripe.com/api/payment_methods)."""

import hashlib
from datetime import UTC, datetime

from localcloud.stripe.cards import CARDS, TOKENS, CardDetails, check_details, refusal
from localcloud.stripe.errors import invalid, missing_param
from localcloud.stripe.lists import page
from localcloud.stripe.params import EXPAND, PAGE, Email, Enum, Hash, Integer, Metadata, Text, words
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work, given, merge_metadata

URL = "/v1/payment_methods"
ASK_THE_BANK = {
    "type": "use_stripe_sdk",
    "use_stripe_sdk": {"type": "three_d_secure_redirect"},
}
"""The `next_action` of an intent whose card wants 3D Secure."""
BILLING = Hash(
    {"email": Email(clearable=True), "name": Text(clearable=True), "phone": Text(clearable=True)},
    unbuilt=words("address tax_id"),
)
CARD = Hash(
    {
        "number": Text(),
        "exp_month": Integer(),
        "exp_year": Integer(),
        "cvc": Text(),
        "token": Text(),
    },
    unbuilt=("networks",),
)
OTHERS = words(
    """acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit
    bancontact billie bizum blik boleto cashapp crypto custom customer_balance eps fpx
    giropay grabpay ideal interac_present kakao_pay klarna konbini kr_card link mb_way mobilepay
    multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix
    promptpay revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint
    upi us_bank_account wechat_pay zip"""
)
"""Types of payment method, each with a parameter of its name."""
CREATE = Hash(
    {
        **EXPAND,
        "type": Enum(("card",), unbuilt=OTHERS),
        "card": CARD,
        "billing_details": BILLING,
        "metadata": Metadata(),
    },
    required=("type",),
    unbuilt=(*words("allow_redisplay customer payment_method radar_options"), *OTHERS),
)
UPDATE = Hash(
    {**EXPAND, "billing_details": BILLING, "metadata": Metadata()},
    unbuilt=words("allow_redisplay card us_bank_account"),
)
EMPTY_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def new(work: Work, card: CardDetails, billing: Obj | None = None) -> Obj:
    """A stored payment method of a card. Raises a card error for details that cannot be right."""
    known = check_details(card, work.now)
    method = work.new(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details={
            "address": dict(EMPTY_ADDRESS),
            "email": None,
            "name": card.name,
            "phone": None,
            "tax_id": None,
            **(billing or {}),
        },
        card={
            "brand": known.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass" if card.cvc else None,
            },
            "country": known.country,
            "display_brand": known.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": known.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [known.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        customer=None,
        metadata={},
        type="card",
        _number=card.number,
    )
    return work.create(method)


def from_token(work: Work, name: str) -> Obj:
    """A fresh payment method of one of Stripe's named test cards, such as `visa`."""
    year = datetime.fromtimestamp(work.now, UTC).year + 5
    return new(work, CardDetails(TOKENS[name], 12, year, "1234" if name == "amex" else "123"))


def take(work: Work, identifier: str, param: str | None = None) -> Obj:
    """The payment method of that id; `pm_card_visa` and its like make a new one, as at Stripe."""
    name = identifier.removeprefix("pm_card_")
    if name != identifier and name in TOKENS:
        return from_token(work, name)
    return work.need("payment_method", identifier, param=param)


def attach_to(work: Work, method: Obj, customer: Obj) -> Obj:
    """Attach a card to a customer. Raises the card error of one that cannot even be saved."""
    if method["customer"] and method["customer"] != customer["id"]:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            "payment_method",
        )
    if error := refusal(method["_number"], saving=True):
        raise error
    return work.update(method, "payment_method.attached", customer=customer["id"])


def detach_from(work: Work, method: Obj) -> Obj:
    return work.update(method, "payment_method.detached", customer=None)


def needs_authentication(method: Obj, *, off_session: bool) -> bool:
    """Whether the bank wants 3D Secure; off session, a card set up with it is let through."""
    kind = CARDS[method["_number"]].authenticate
    return kind == "always" or (kind == "once" and not (off_session and method.get("_set_up")))


def create(work: Work, params: Obj) -> Obj:
    card = params.get("card")
    if card is None:
        raise missing_param("card")
    if "token" in card:
        name = card["token"].removeprefix("tok_")
        if name not in TOKENS:
            raise invalid(f"No such token: '{card['token']}'", "card[token]", "resource_missing")
        method = from_token(work, name)
    else:
        for name in ("number", "exp_month", "exp_year"):
            if name not in card:
                raise missing_param(f"card[{name}]")
        number = card["number"].replace(" ", "")
        year = card["exp_year"] + (2000 if card["exp_year"] < 100 else 0)
        details = CardDetails(number, card["exp_month"], year, card.get("cvc"))
        method = new(work, details, params.get("billing_details"))
    method["metadata"] = merge_metadata({}, params.get("metadata"))
    return work.present(work.update(method))


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(take(work, id))


def update(work: Work, params: Obj, id: str) -> Obj:
    method = work.need("payment_method", id)
    changes = given(method, params)
    if "billing_details" in params:
        changes["billing_details"] = {**method["billing_details"], **params["billing_details"]}
    return work.present(work.update(method, "payment_method.updated", **changes))


def attach(work: Work, params: Obj, id: str) -> Obj:
    customer = work.need("customer", params["customer"], param="customer")
    return work.present(attach_to(work, take(work, id), customer))


def detach(work: Work, params: Obj, id: str) -> Obj:
    method = work.need("payment_method", id)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    return work.present(detach_from(work, method))


def list_all(work: Work, params: Obj) -> Obj:
    customer = work.need("customer", params["customer"], param="customer")
    return page(work, "payment_method", URL, params, equal("customer", customer["id"]))


RESOURCE = Resource(
    kind="payment_method",
    expandable={"customer": "customer"},
    routes=(
        Route("POST", URL, create, CREATE),
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {**PAGE, "customer": Text(), "type": Enum(("card",))},
                required=("customer",),
                unbuilt=words("allow_redisplay customer_account"),
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route(
            "POST",
            URL + "/{id}/attach",
            attach,
            Hash(
                {**EXPAND, "customer": Text()},
                required=("customer",),
                unbuilt=("customer_account",),
            ),
        ),
        Route("POST", URL + "/{id}/detach", detach, Hash(EXPAND)),
    ),
)
