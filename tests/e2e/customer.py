"""One customer of a stack, with the clients of a browser, of an operator and of an SDK."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import requests
import stripe
from boto3.dynamodb.conditions import Key

from saas.stripe_contract import API_VERSION

CARD_ACCEPTED = "4242 4242 4242 4242"
CARD_DECLINED = "4000 0000 0000 0002"
PASSWORD = "Correct-horse-7"
WAIT_SECONDS = 10


class Customer:
    """Somebody new, who has not signed up yet.

    Args:
        endpoints: what `GET /_local/endpoints` answers.
    """

    def __init__(self, endpoints: dict[str, Any]) -> None:
        self.endpoints = endpoints
        self.email = f"ada-{uuid.uuid4().hex[:10]}@example.com"
        self.site = requests.Session()
        self.user_id = ""
        self.id_token = ""
        self.session_id = ""
        options: dict[str, Any] = {
            "endpoint_url": endpoints["aws"],
            "region_name": endpoints["region"],
            "aws_access_key_id": endpoints["accessKeyId"],
            "aws_secret_access_key": endpoints["secretAccessKey"],
        }
        self.cognito = boto3.client("cognito-idp", **options)
        self.table = boto3.resource("dynamodb", **options).Table(endpoints["tableName"])
        self.s3 = boto3.client("s3", **options)
        self.stripe = stripe.StripeClient(
            endpoints["stripeSecretKey"],
            stripe_version=API_VERSION,
            base_addresses={"api": endpoints["stripe"]},
        )

    def url(self, path: str) -> str:
        return f"{self.endpoints['api']}{path}"

    def call(self, path: str, body: dict[str, Any]) -> requests.Response:
        """A POST as the browser sends it: cookie and Origin, no Authorization."""
        return requests.post(
            self.url(path),
            json=body,
            headers={"Origin": self.endpoints["site"]},
            cookies=self.cookies(),
            timeout=60,
        )

    def cookies(self) -> dict[str, str]:
        """The session as a browser sends it: http://localhost is trusted with `Secure` cookies."""
        return self.site.cookies.get_dict()

    def post(self, path: str, body: dict[str, Any], expect: int = 200) -> dict[str, Any]:
        return self._answer(self.call(path, body), expect)

    def get(self, path: str, expect: int = 200) -> dict[str, Any]:
        answer = requests.get(
            self.url(path),
            headers={"Content-Type": "application/json"},
            cookies=self.cookies(),
            timeout=60,
        )
        return self._answer(answer, expect)

    def status(self) -> dict[str, Any]:
        data: dict[str, Any] = self.get(f"/subscription/status?userId={self.user_id}")["data"]
        return data

    def open_checkout(self) -> dict[str, Any]:
        data: dict[str, Any] = self.post("/stripe/checkout", {"priceId": "price_starter_monthly"})[
            "data"
        ]
        return data

    def card(self, number: str) -> dict[str, Any]:
        answer: dict[str, Any] = requests.post(
            f"{self.endpoints['site']}/_local/pay",
            json={"sessionId": self.session_id, "card": number},
            timeout=30,
        ).json()
        return answer

    def customer(self) -> str:
        (row,) = self.rows(f"USER#{self.user_id}", f"USER#{self.user_id}")
        return str(row["stripeCustomerId"])

    def rows(self, pk: str, prefix: str = "") -> list[dict[str, Any]]:
        """What the table really holds, past every function."""
        condition: Any = Key("pk").eq(pk)
        if prefix:
            condition &= Key("sk").begins_with(prefix)
        items: list[dict[str, Any]] = self.table.query(
            KeyConditionExpression=condition, ConsistentRead=True
        )["Items"]
        return items

    def mailed_code(self) -> str:
        mails = requests.get(f"{self.endpoints['site']}/_local/mail", timeout=30).json()
        mine = [mail for mail in mails if self.email in str(mail["to"])]
        assert mine, f"no mail for {self.email} among {len(mails)}"
        return str(mine[0]["code"])

    def _answer(self, answer: requests.Response, expect: int) -> dict[str, Any]:
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text[:500]}"
        assert answer.headers["Cache-Control"] == "no-store"
        body: dict[str, Any] = answer.json()
        assert body["success"] is (expect == 200), body
        return body


def eventually(condition: Callable[[], bool], complaint: str) -> None:
    """Wait for something that happens on its own, up to ten seconds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)
