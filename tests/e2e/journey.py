"""The whole paid journey over HTTP with real clients, every step asserted on state.

`make journey` runs it against `make dev` when that is up, else against a stack started for it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.e2e.customer import CARD_ACCEPTED, CARD_DECLINED, PASSWORD, Customer, eventually


class Journey(Customer):
    """One new user's way from sign-up to cancellation."""

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """The steps in order, each with the sentence that is printed."""
        return [
            ("every domain is healthy", self.healthy),
            ("a stranger is asked to sign in", self.stranger),
            ("sign up, with the mailed code", self.sign_up),
            ("sign in, with a session cookie", self.sign_in),
            ("the gate is closed", self.gate_closed),
            ("two checkouts at once are one session", self.checkout),
            ("a declined card changes nothing", self.declined),
            ("paying opens the gate at once", self.pay),
            ("the webhook has arrived and agrees", self.webhook),
            ("AI answers, and the call is metered", self.generate),
            ("a file is uploaded, and only that file", self.upload),
            ("the quota holds under concurrency", self.quota),
            ("a second subscription is refused", self.second_checkout),
            ("cancelling in Stripe closes the gate", self.cancel),
            ("buying again opens it again", self.buy_again),
        ]

    def healthy(self) -> None:
        for domain in ("users", "billing", "ai"):
            data = self.get(f"/health/{domain}")["data"]
            assert data["service"] == domain, data

    def stranger(self) -> None:
        answer = requests.get(self.url("/subscription/status"), timeout=30)
        assert answer.status_code == 401, answer.text
        assert answer.json()["code"] == "authentication_required"

    def sign_up(self) -> None:
        client_id = self.endpoints["userPoolClientId"]
        self.cognito.sign_up(
            ClientId=client_id,
            Username=self.email,
            Password=PASSWORD,
            UserAttributes=[{"Name": "email", "Value": self.email}],
        )
        code = self.mailed_code()
        wrong = "000000" if code != "000000" else "111111"
        try:
            self.cognito.confirm_sign_up(
                ClientId=client_id, Username=self.email, ConfirmationCode=wrong
            )
        except self.cognito.exceptions.CodeMismatchException:
            pass
        else:
            raise AssertionError("a wrong confirmation code was accepted")
        self.cognito.confirm_sign_up(ClientId=client_id, Username=self.email, ConfirmationCode=code)

    def sign_in(self) -> None:
        tokens = self.cognito.initiate_auth(
            ClientId=self.endpoints["userPoolClientId"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": self.email, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        self.id_token = tokens["IdToken"]
        bearer = {"Authorization": f"Bearer {tokens['AccessToken']}"}
        me = requests.get(self.url("/users/me"), headers=bearer, timeout=30).json()["data"]
        self.user_id = me["id"]
        assert me["email"] == self.email, "the post-confirmation trigger did not create the user"
        created = self.site.post(
            f"{self.endpoints['site']}/_local/session",
            json={"sub": self.user_id, "email": self.email, "name": "Ada"},
            timeout=30,
        )
        assert created.status_code == 200, created.text
        same = self.post("/auth/session", {"action": "getUser", "userId": self.user_id})["data"]
        assert (same["id"], same["subscriptionStatus"]) == (self.user_id, "inactive")

    def gate_closed(self) -> None:
        status = self.status()
        assert status["hasActiveSubscription"] is False
        assert "subscription" not in status
        refused = self.post("/ai/generate", {"prompt": "Hello"}, expect=403)
        assert refused["error"] == "Active subscription required for AI features"
        assert refused["code"] == "subscription_required"
        assert self.rows(f"AI#{self.user_id}") == []

    def checkout(self) -> None:
        assert self.post("/stripe/checkout", {}, expect=400)["error"] == "Price ID is required"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.open_checkout(), range(8)))
        assert len({answer["sessionId"] for answer in answers}) == 1, answers
        assert len({answer["clientSecret"] for answer in answers}) == 1
        self.session_id = answers[0]["sessionId"]
        session = self.stripe.v1.checkout.sessions.retrieve(self.session_id)
        assert session.status == "open"
        assert session.metadata is not None
        assert session.metadata["userId"] == self.user_id
        (price,) = self.stripe.v1.checkout.sessions.line_items.list(self.session_id).data
        assert price.amount_total == 2900

    def declined(self) -> None:
        answer = self.card(CARD_DECLINED)
        assert answer["status"] == "declined", answer
        assert self.stripe.v1.checkout.sessions.retrieve(self.session_id).status == "open"
        assert self.status()["hasActiveSubscription"] is False

    def pay(self) -> None:
        answer = self.card(CARD_ACCEPTED)
        assert answer["status"] == "complete", answer
        status = self.status()
        assert status["hasActiveSubscription"] is True, status
        assert status["subscription"]["planId"] == "starter"
        assert status["subscription"]["userId"] == self.user_id

    def webhook(self) -> None:
        def recorded() -> bool:
            events = self.stripe.v1.events.list(
                {"limit": 100, "types": ["checkout.session.completed"]}
            )
            mine = [event for event in events.data if event.data.object["id"] == self.session_id]
            return any(self.rows(f"EVENT#{event.id}") for event in mine)

        eventually(recorded, "the webhook was not recorded")
        (row,) = self.rows(f"USER#{self.user_id}", f"SUBSCRIPTION#{self.user_id}")
        subscription = self.stripe.v1.subscriptions.retrieve(row["stripeSubscriptionId"])
        assert (subscription.status, row["status"]) == ("active", "active")
        assert subscription.metadata["userId"] == self.user_id
        forged = requests.post(
            self.url("/stripe/webhook"),
            data=b"{}",
            headers={"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"},
            timeout=30,
        )
        assert forged.status_code == 400, forged.text

    def generate(self) -> None:
        prompt = "Summarise why metering must be exact — in one sentence."
        data = self.post(
            "/ai/generate",
            {"prompt": prompt, "maxTokens": 1000, "temperature": 0.7, "userId": self.user_id},
        )["data"]
        assert isinstance(data["response"], str)
        assert data["response"]
        assert data["tokens"] > 0
        (entry,) = self.get(f"/ai/history?userId={self.user_id}")["data"]
        assert (entry["prompt"], entry["response"]) == (prompt, data["response"])
        usage = self.get("/ai/usage")["data"]
        assert (usage["calls"]["used"], usage["calls"]["left"]) == (1, 999)
        (call,) = self.rows(f"AI#{self.user_id}", "CALL#")
        (period,) = self.rows(f"AI#{self.user_id}", "PERIOD#")
        assert period["tokensUsed"] == call["inputTokens"] + call["outputTokens"]
        assert period["costMicroUsd"] == call["costMicroUsd"] > 0
        assert self.rows(f"AI#{self.user_id}", "RESERVATION#") == []

    def upload(self) -> None:
        content = b"name,score\nada,10\n"
        data = self.post(
            "/upload/url",
            {"filename": "scores.csv", "contentType": "text/csv", "size": len(content)},
        )["data"]
        other = requests.put(
            data["uploadUrl"], data=content, headers={"Content-Type": "text/html"}, timeout=30
        )
        assert other.status_code == 403, other.text
        larger = requests.put(
            data["uploadUrl"], data=content * 2, headers={"Content-Type": "text/csv"}, timeout=30
        )
        assert larger.status_code == 403, larger.text
        sent = requests.put(
            data["uploadUrl"], data=content, headers={"Content-Type": "text/csv"}, timeout=30
        )
        assert sent.status_code == 200, sent.text
        stored = self.s3.get_object(Bucket=self.endpoints["uploadsBucket"], Key=data["s3Key"])
        assert stored["Body"].read() == content
        assert stored["ContentType"] == "text/csv"

    def quota(self) -> None:
        """Spends the month's calls but three, then calls ten times at once."""
        (period,) = self.rows(f"AI#{self.user_id}", "PERIOD#")
        self.table.update_item(
            Key={"pk": period["pk"], "sk": period["sk"]},
            UpdateExpression="SET callsUsed = :used",
            ExpressionAttributeValues={":used": 997},
        )
        with ThreadPoolExecutor(10) as pool:
            answers = list(
                pool.map(lambda n: self.call("/ai/generate", {"prompt": f"No. {n}"}), range(10))
            )
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
        refused = next(answer.json() for answer in answers if answer.status_code == 429)
        assert refused["code"] == "calls_exhausted", refused
        assert refused["resetAt"].endswith("Z")
        (period,) = self.rows(f"AI#{self.user_id}", "PERIOD#")
        calls = self.rows(f"AI#{self.user_id}", "CALL#")
        assert period["callsUsed"] == 1000
        assert len(calls) == 4
        assert period["tokensUsed"] == sum(
            call["inputTokens"] + call["outputTokens"] for call in calls
        )
        assert period["costMicroUsd"] == sum(call["costMicroUsd"] for call in calls)
        assert self.get("/ai/usage")["data"]["calls"]["left"] == 0

    def second_checkout(self) -> None:
        refused = self.post("/stripe/checkout", {"priceId": "price_starter_monthly"}, expect=409)
        assert refused["code"] == "subscription_exists"
        portal = self.post("/stripe/portal", {})["data"]["url"]
        assert requests.get(portal, timeout=30).status_code == 200

    def cancel(self) -> None:
        (row,) = self.rows(f"USER#{self.user_id}", f"SUBSCRIPTION#{self.user_id}")
        self.stripe.v1.subscriptions.cancel(row["stripeSubscriptionId"])
        eventually(
            lambda: self.status()["hasActiveSubscription"] is False,
            "the cancellation did not arrive",
        )
        status = self.status()
        assert status["subscriptionStatus"] == "cancelled"
        assert status["subscription"]["status"] == "cancelled"
        assert self.post("/ai/generate", {"prompt": "Hello"}, expect=403)["code"] == (
            "subscription_required"
        )

    def buy_again(self) -> None:
        before = self.session_id
        self.session_id = self.open_checkout()["sessionId"]
        assert self.session_id != before
        assert self.card(CARD_ACCEPTED)["status"] == "complete"
        status = self.status()
        assert status["hasActiveSubscription"] is True
        live = self.stripe.v1.subscriptions.list(
            {"customer": self.customer(), "status": "active"}
        ).data
        assert [subscription.id for subscription in live] == [
            status["subscription"]["stripeSubscriptionId"]
        ]


@contextmanager
def running_stack(port: int) -> Iterator[dict[str, Any]]:
    """The endpoints of the stack on `port`, or of one started for the purpose."""
    try:
        found = requests.get(f"http://localhost:{port}/_local/endpoints", timeout=5)
        found.raise_for_status()
        yield found.json()
        return
    except requests.RequestException:
        print(f"Nothing answers on http://localhost:{port}; starting a stack for this journey.")
    from localcloud.stack import Stack

    with tempfile.TemporaryDirectory() as folder, Stack(port=0, state_dir=Path(folder)) as stack:
        yield stack.endpoints()


def run(endpoints: dict[str, Any], say: Callable[[str], Any] = print) -> float:
    """All steps; returns the seconds they took.

    Raises:
        AssertionError: a step's state is not what it should be.
    """
    journey = Journey(endpoints)
    started = time.perf_counter()
    for sentence, step in journey.steps():
        begun = time.perf_counter()
        try:
            step()
        except Exception:
            say(f"  failed  {sentence}")
            raise
        say(f"  {time.perf_counter() - begun:5.2f} s  {sentence}")
    total = time.perf_counter() - started
    say(f"  {total:5.2f} s  the whole journey of {journey.email}")
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    with running_stack(arguments.port) as endpoints:
        print(f"The paid journey on {endpoints['site']}")
        run(endpoints)
    return 0


if __name__ == "__main__":
    sys.exit(main())
