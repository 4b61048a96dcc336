"""The account itself (https://docs.stripe.com/api/accounts/retrieve)."""

from localcloud.stripe.params import EXPAND, Hash
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

ID = "acct_1GroundworkLocal"
SETTINGS: Obj = {
    "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
    "card_payments": {
        "statement_descriptor_prefix": None,
        "statement_descriptor_prefix_kana": None,
        "statement_descriptor_prefix_kanji": None,
    },
    "dashboard": {"display_name": "Local Stripe", "timezone": "Etc/UTC"},
    "payments": {
        "statement_descriptor": None,
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
    },
}


def retrieve(work: Work, params: Obj) -> Obj:
    return {
        "id": ID,
        "object": "account",
        "business_type": None,
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": None,
        "payouts_enabled": True,
        "settings": SETTINGS,
        "type": "standard",
    }


RESOURCE = Resource(
    kind="account",
    routes=(Route("GET", "/v1/account", retrieve, Hash(EXPAND)),),
)
