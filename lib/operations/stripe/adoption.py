"""Adopting the payers of an earlier backend: proposed, decided by a person, bound by the function.

The function `billing-reconcile` binds, as the checkout does, under conditions that no operator can
talk away. This side only finds, asks and reports.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from operations.account import Account, translated
from operations.errors import OperationError
from operations.stripe import payers
from operations.stripe.account import StripeAccount
from operations.stripe.people import People
from operations.stripe.proposals import Proposal, without_doubles

FUNCTION = "billing-reconcile"
BATCH = 10
LONGEST_SECONDS = 310
WORDS = {
    "bound": "has access",
    "unknown_user": "there is no such user; who never used the backend has to sign in once first",
    "account_disabled": "the user is blocked or deleted",
    "unknown_customer": "Stripe has no such customer",
    "foreign_customer": "the customer is stamped for another environment or product",
    "no_live_subscription": "the customer has no live subscription to one of our plans",
    "customer_taken": "the customer belongs to another user",
    "user_has_another_customer": "the user is bound to another customer",
    "not_tried": "there was no time left: run it again",
}


def propose(
    stripe: StripeAccount, people: People, environment: str, say: Callable[[str], None]
) -> list[Proposal]:
    """A line for each payer without a user."""
    found = payers.find(stripe, environment)
    free = [each for each in found.payers if people.owner(each.customer_id) is None]
    bound = len(found.payers) - len(free)
    say(f"Customers with a live subscription: {len(found.payers)}. Bound to a user: {bound}.")
    for price, count in found.strangers.most_common():
        say(
            f"  ! Live subscriptions on {price}, which stands for no plan: {count}. If they are "
            f"ours: make stripe-setup ENV={environment} MAP={price.split()[0]}=<price key>"
        )
    return without_doubles([_proposal(each, people) for each in free])


def _proposal(payer: payers.Payer, people: People) -> Proposal:
    match = people.match(payer)
    return Proposal(
        approve="",
        customer=payer.customer_id,
        user=match.user_id,
        email=payer.email,
        subscriptions="; ".join(payer.subscriptions),
        basis=match.basis,
        note=match.note,
    )


def bind(
    account: Account,
    function: Mapping[str, Any],
    chosen: Sequence[Proposal],
    say: Callable[[str], None],
) -> int:
    """Have approved lines bound, and say of each what became of it; returns how many were not.

    Args:
        function: name and alias of `billing-reconcile`, as the stack's outputs have them.

    Raises:
        OperationError: the function cannot be called, or failed.
    """
    failed = 0
    waiting = [{"customerId": each.customer, "userId": each.user} for each in chosen]
    while waiting:
        results = list(_invoke(account, function, waiting[:BATCH]))
        late = [each for each in results if each["outcome"] == "not_tried"]
        settled = [each for each in results if each not in late] or results
        for result in settled:
            say(f"  {result['customerId']} → {result['userId']}: {_told(result)}")
            failed += result["outcome"] != "bound"
        waiting = waiting[len(settled) :]
    return failed


def _invoke(
    account: Account, function: Mapping[str, Any], pairs: list[dict[str, str]]
) -> Iterator[dict[str, Any]]:
    from botocore.config import Config

    # Not repeated by the SDK: a call that is slow is still at work.
    config = Config(read_timeout=LONGEST_SECONDS, retries={"total_max_attempts": 1})
    client = account.session.client("lambda", config=config)
    with translated(f"call the function {function['name']}"):
        answer = client.invoke(
            FunctionName=function["name"],
            Qualifier=function["alias"],
            Payload=json.dumps({"adopt": pairs}).encode(),
        )
        content = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or "results" not in content:
        raise OperationError(
            f"{function['name']} failed. Its log {function.get('log', '')} says why. "
            "What it did is kept; run this again when that is mended."
        )
    yield from content["results"]


def _told(result: Mapping[str, Any]) -> str:
    outcome = str(result["outcome"])
    if outcome == "bound" and not result["active"]:
        return "bound, without access: the subscription is not paid"
    return WORDS.get(outcome, f"failed for now ({outcome}); run it again")
