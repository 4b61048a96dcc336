"""A subscriber's month in a moment: the whole stack, every function in its own image's code."""

from datetime import datetime
from pathlib import Path

import requests

from localcloud.stack import Stack
from tests.e2e.customer import CARD_ACCEPTED, PASSWORD, eventually
from tests.e2e.journey import Journey


def test_a_month_passes_and_everything_still_fits_together(tmp_path: Path) -> None:
    with Stack(port=0, state_dir=tmp_path) as stack:
        journey = Journey(stack.endpoints())
        journey.sign_up()
        journey.sign_in()
        journey.session_id = journey.open_checkout()["sessionId"]
        assert journey.card(CARD_ACCEPTED)["status"] == "complete"
        before = journey.status()["subscription"]
        assert _move(journey, "40 days")["deadlines"] == 2, "the renewal, and its hour"

        # A session of 40 days ago has run out for functions; Cognito issues tokens they accept.
        old = requests.get(journey.url("/users/me"), cookies=journey.cookies(), timeout=30)
        assert old.status_code == 401
        _sign_in_again(journey)
        after = journey.status()["subscription"]
        assert after["currentPeriodStart"] == before["currentPeriodEnd"]
        assert after["status"] == "active"

        # The webhook's signature is of the functions' time: they record the renewal's event. It
        # was paid once its invoice had been a draft for Stripe's hour.
        paid = journey.stripe.v1.events.list({"type": "invoice.paid"}).data[0]
        assert paid.created == _epoch(after["currentPeriodStart"]) + 3600
        eventually(lambda: bool(journey.rows(f"EVENT#{paid.id}")), "the renewal did not arrive")

        # Calls to local AWS and Bedrock are signed with the moved time, and so are uploads.
        journey.generate()
        journey.upload()


def test_a_missed_year_ends_in_the_functions_eyes_too(tmp_path: Path) -> None:
    with Stack(port=0, state_dir=tmp_path) as stack:
        journey = Journey(stack.endpoints())
        journey.sign_up()
        journey.sign_in()
        journey.session_id = journey.open_checkout()["sessionId"]
        assert journey.card(CARD_ACCEPTED)["status"] == "complete"
        subscription = journey.status()["subscription"]["stripeSubscriptionId"]
        journey.stripe.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
        _move(journey, "1 year")
        _sign_in_again(journey)
        eventually(
            lambda: journey.status()["hasActiveSubscription"] is False, "the end did not arrive"
        )


def _move(journey: Journey, by: str) -> dict[str, int]:
    answer = requests.post(
        f"{journey.endpoints['site']}/_local/clock", json={"by": by}, timeout=120
    )
    assert answer.status_code == 200, answer.text
    moved: dict[str, int] = answer.json()
    return moved


def _sign_in_again(journey: Journey) -> None:
    tokens = journey.cognito.initiate_auth(
        ClientId=journey.endpoints["userPoolClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": journey.email, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    bearer = {"Authorization": f"Bearer {tokens['AccessToken']}"}
    assert requests.get(journey.url("/users/me"), headers=bearer, timeout=30).status_code == 200
    user = {"sub": journey.user_id, "email": journey.email, "name": "Ada"}
    journey.site.post(f"{journey.endpoints['site']}/_local/session", json=user, timeout=30)


def _epoch(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
