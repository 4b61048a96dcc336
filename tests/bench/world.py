"""What the stub knows: one user with an active subscription, and the secrets of one environment."""

import hashlib
import hmac
import json
import time
from datetime import datetime, timedelta
from typing import Any

from localcloud import session
from saas import accounts, clock, entitlements
from saas.attributes import marshal
from saas.entitlements import Entitlement

ENVIRONMENT = "dev"
SITE = "https://bench.example"
COOKIE = "__Secure-next-auth.session-token"
USER, EMAIL, NAME = "9f0c3d1e-bench", "ada@bench.example", "Ada Bench"
CUSTOMER, SUBSCRIPTION = "cus_bench", "sub_bench"
NEXTAUTH_SECRET, WEBHOOK_SECRET = "bench-nextauth-secret", "whsec_of-the-bench"
SESSION_NAME, STRIPE_NAME, WEBHOOK_NAME = "/bench/session", "/bench/stripe", "/bench/webhook"
_SECRETS = {
    SESSION_NAME: json.dumps([NEXTAUTH_SECRET]),
    STRIPE_NAME: "sk_test_bench",
    WEBHOOK_NAME: json.dumps([WEBHOOK_SECRET]),
}


def environment(stub_url: str) -> dict[str, str]:
    """Every variable that `images/functions.json` may name, and where AWS is."""
    return {
        "APP_ENV": ENVIRONMENT,
        "APP_VERSION": "bench",
        "IMAGE_DIGEST": "",
        "PRICE_KEYS": "",
        "TABLE_NAME": "bench",
        "ALLOWED_ORIGINS": SITE,
        "SESSION_COOKIE_NAMES": COOKIE,
        "SESSION_SECRET_NAME": SESSION_NAME,
        "COGNITO_ISSUER": f"{stub_url}/pool",
        "COGNITO_CLIENT_ID": "bench",
        "SITE_URL": SITE,
        "STRIPE_API_BASE": stub_url,
        "STRIPE_SECRET_NAME": STRIPE_NAME,
        "STRIPE_WEBHOOK_SECRET_NAME": WEBHOOK_NAME,
        "UPLOADS_BUCKET": "bench-uploads",
    }


def aws_environment(stub_url: str) -> dict[str, str]:
    """What Lambda itself sets, with every service at the stub."""
    return {
        "AWS_ENDPOINT_URL": stub_url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIABENCH0000000000A",
        "AWS_SECRET_ACCESS_KEY": "bench-secret-access-key",
        "AWS_SESSION_TOKEN": "bench-session-token",
    }


def cookie() -> str:
    """A session cookie of the user, as API Gateway passes it."""
    claims = session.claims(USER, EMAIL, NAME)
    return f"{COOKIE}={session.encode_v4(claims, NEXTAUTH_SECRET)}"


def stripe_event(kind: str) -> dict[str, Any]:
    """An event about the user's subscription."""
    return {
        "id": f"evt_bench_{time.time_ns()}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": _stripe_subscription()},
    }


def stripe_signature(payload: str) -> str:
    """The `Stripe-Signature` header of a payload."""
    moment = int(time.time())
    mac = hmac.new(WEBHOOK_SECRET.encode(), f"{moment}.{payload}".encode(), hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def answer(target: str, line: str, body: bytes) -> dict[str, Any] | None:
    """What AWS or Stripe would say; see `stub.Answer`."""
    if target:
        operation = target.rpartition(".")[2]
        return _aws(operation, json.loads(body))
    if line.startswith("POST /model/"):
        return _CONVERSED
    if line.startswith("GET /v1/subscriptions"):
        return {
            "object": "list",
            "url": "/v1/subscriptions",
            "has_more": False,
            "data": [_stripe_subscription()],
        }
    return None


def _aws(operation: str, request: dict[str, Any]) -> dict[str, Any] | None:
    match operation:
        case "GetParameter":
            return {"Parameter": {"Name": request["Name"], "Value": _SECRETS[request["Name"]]}}
        case "BatchGetItem":
            keys = request["RequestItems"]["bench"]["Keys"]
            found = [_ITEMS[key["sk"]["S"]] for key in keys if key["sk"]["S"] in _ITEMS]
            return {"Responses": {"bench": found}, "UnprocessedKeys": {}}
        case "UpdateItem":
            bound = {"userId": USER, "syncSeq": 8}
            return {"Attributes": marshal(bound)} if "ReturnValues" in request else {}
        case "GetItem" | "PutItem" | "TransactWriteItems":
            return {}
    return None


def _now() -> datetime:
    return clock.now().replace(microsecond=0)


def _items() -> dict[str, dict[str, Any]]:
    """The table by sort key."""
    user = accounts.new_user(USER, email=EMAIL, name=NAME)
    user |= {"subscriptionStatus": "active", "stripeCustomerId": CUSTOMER}
    subscribed = Entitlement(
        user_id=USER,
        stripe_subscription_id=SUBSCRIPTION,
        customer_id=CUSTOMER,
        stripe_status="active",
        plan_id="professional",
        current_period_start=_now() - timedelta(days=5),
        current_period_end=_now() + timedelta(days=25),
        cancel_at_period_end=False,
        created_at=clock.iso(_now()),
        updated_at=clock.iso(_now()),
        applied_seq=7,
    )
    items = (user, entitlements.to_item(subscribed))
    return {item["sk"]: marshal(item) for item in items}


def _stripe_subscription() -> dict[str, Any]:
    start = int((_now() - timedelta(days=5)).timestamp())
    item = {
        "id": "si_bench",
        "object": "subscription_item",
        "current_period_start": start,
        "current_period_end": start + 30 * 86_400,
        "price": {
            "id": "price_bench",
            "object": "price",
            "metadata": {"price_key": "price_professional_monthly"},
        },
    }
    return {
        "id": SUBSCRIPTION,
        "object": "subscription",
        "customer": CUSTOMER,
        "status": "active",
        "created": start,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "metadata": {},
        "items": {"object": "list", "data": [item]},
    }


_ITEMS = _items()
_CONVERSED = {
    "output": {"message": {"role": "assistant", "content": [{"text": "An answer. " * 40}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 12, "outputTokens": 120, "totalTokens": 132},
    "metrics": {"latencyMs": 1},
}
