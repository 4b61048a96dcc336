"""`make adopt-stripe`: who paid an earlier backend is found, proposed, approved and bound."""

import csv
import json
import stat
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from billing import reconcile, store
from operations.__main__ import main
from operations.account import Account
from operations.environments import Environment
from operations.stripe import commands
from tests.factories import LambdaContext
from tests.integration.billing_stage import CARD, Stage, stage
from tests.integration.test_billing_adoption import forged_row, old_user

__all__ = ["stage"]
FUNCTION = {"name": "groundwork-local-billing-reconcile", "alias": "live", "log": "/aws/lambda/x"}


class Lambda:
    """Lambda's Invoke API, which runs the function here. `failing` breaks its next call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.failing = False
        lambda_ = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                lambda_.calls.append((self.path, event))
                headers = {"Content-Type": "application/json"}
                if lambda_.failing:
                    body, headers["X-Amz-Function-Error"] = b'{"errorMessage":"no"}', "Unhandled"
                else:
                    context = LambdaContext(remaining_ms=300_000)
                    body = json.dumps(reconcile.reconcile(event, context)).encode()
                self.send_response(200)
                for name, value in (*headers.items(), ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@dataclass
class Deployed:
    environment: Environment
    account: Account
    said: dict[str, Any]

    def outputs(self) -> dict[str, Any]:
        return self.said


class Old:
    """A deployment of the earlier backend: its table, its pool, its payers, and our command."""

    def __init__(self, stage: Stage, functions: Lambda, path: Path) -> None:
        self.stage, self.functions, self.path = stage, functions, path
        self.cognito = stage.aws.client("cognito-idp")

    def signed_up(self, email: str, *, verified: bool = True) -> str:
        """A user of the pool; returns the `sub`."""
        made = self.cognito.admin_create_user(
            UserPoolId=self.stage.aws.provisioned.user_pool_id,
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": email},
                {"Name": "email_verified", "Value": "true" if verified else "false"},
            ],
        )["User"]
        return str(next(a["Value"] for a in made["Attributes"] if a["Name"] == "sub"))

    def user(self, email: str, user_id: str = "") -> str:
        """A user's item as the earlier backend wrote it."""
        user_id = user_id or f"user-{uuid.uuid4().hex}"
        old_user(user_id, email=email, gsi1pk=f"EMAIL#{email}")
        return user_id

    def payer(self, email: str = "", *, session: str = "anonymous", **metadata: str) -> str:
        """A paying customer; `session` is what the earlier backend wrote on the checkout."""
        known = {"email": email} if email else {}
        customer = self.stage.stripe.customers.create({**known, "metadata": metadata})
        [price] = self.stage.stripe.prices.list(
            {"lookup_keys": ["groundwork_starter_monthly"]}
        ).data
        made = self.stage.stripe.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer.id,
                "success_url": "https://old.example.com",
                "line_items": [{"price": price.id, "quantity": 1}],
                "metadata": {"userId": session},
            }
        )
        assert self.stage.pay(made.id, CARD) == "complete"
        return str(customer.id)

    def run(self, *arguments: str) -> int:
        return main(["adopt-stripe", "--env", "local", "--file", str(self.path), *arguments])

    def listed(self) -> dict[str, dict[str, str]]:
        with self.path.open() as file:
            return {row["customer"]: row for row in csv.DictReader(file)}

    def propose(self) -> dict[str, dict[str, str]]:
        assert self.run() == 0
        return self.listed()

    def edit(self, customer: str, **values: str) -> None:
        rows = self.listed()
        rows[customer] |= values
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[customer]))
            writer.writeheader()
            writer.writerows(rows.values())


@pytest.fixture
def old(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    stage.reset_stripe()
    functions, config = Lambda(), stage.aws.config
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{functions.server.server_port}"
    )
    monkeypatch.setenv("STRIPE_API_BASE", config.stripe_url)
    monkeypatch.delenv(commands.KEY_VARIABLE, raising=False)
    account = Account(config.account_id, "arn:me", config.region, boto3.Session())
    environment = Environment("local", "groundwork", config.region, tmp_path / "local.tfvars")
    said = {
        "table_name": config.table_name,
        "user_pool_id": stage.aws.provisioned.user_pool_id,
        "functions": {"billing-reconcile": FUNCTION},
    }
    opened = Deployed(environment, account, said)
    monkeypatch.setattr(commands, "open_environment", lambda _: opened)
    yield Old(stage, functions, tmp_path / "adoption.csv")
    functions.close()


def address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def test_a_payer_is_found_proposed_approved_and_has_access(
    old: Old, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way: a forged row, a payer stored as `anonymous`, one e-mail that is verified."""
    email = address()
    user = old.user(email, old.signed_up(email))
    forged_row(user)
    customer = old.payer(email)
    old.stage.email = email
    before = old.stage.call("GET", "/subscription/status", user_id=user)[1]["data"]
    assert before["hasActiveSubscription"] is False
    row = old.propose()[customer]
    assert (row["user"], row["approve"]) == (user, "")
    assert row["basis"] == "e-mail, verified in the user pool"
    assert row["subscriptions"].endswith(" starter active")
    shown = capsys.readouterr().out
    assert "Customers with a live subscription: 1. Bound to a user: 0." in shown
    assert f"→ {user} (e-mail, verified in the user pool)" in shown
    assert store.bound_user(customer) is None
    assert old.functions.calls == []

    assert old.run("--apply") == 1
    assert "is approved: write yes into its first column" in capsys.readouterr().out
    assert store.bound_user(customer) is None

    old.edit(customer, approve="Yes")
    assert old.run("--apply") == 0
    assert f"{customer} → {user}: has access" in capsys.readouterr().out
    after = old.stage.call("GET", "/subscription/status", user_id=user)[1]["data"]
    assert (after["hasActiveSubscription"], after["subscription"]["planId"]) == (True, "starter")
    [(path, event)] = old.functions.calls
    assert path.endswith(f"/functions/{FUNCTION['name']}/invocations?Qualifier=live")
    assert event == {"adopt": [{"customerId": customer, "userId": user}]}
    assert old.run("--apply") == 0
    assert old.propose() == {}


@pytest.mark.parametrize("where", ["subscription", "customer", "session"])
def test_a_user_named_at_stripe_is_proposed_if_there_is_one(old: Old, where: str) -> None:
    user = old.user(address())
    customer = old.payer(
        session=user if where == "session" else "anonymous",
        **({"userId": user} if where == "customer" else {}),
    )
    if where == "subscription":
        [subscription] = old.stage.stripe.subscriptions.list({"customer": customer}).data
        old.stage.stripe.subscriptions.update(subscription.id, {"metadata": {"userId": user}})
    nobody = old.payer(session=f"user-{uuid.uuid4().hex}")
    found = old.propose()
    assert (found[customer]["user"], found[customer]["basis"]) == (
        user,
        "named in the metadata at Stripe",
    )
    assert found[nobody]["user"] == ""


def test_an_e_mail_that_is_not_proven_proposes_nobody(old: Old) -> None:
    """Anybody could write a victim's e-mail into the old table, or sign up with it unconfirmed."""
    planted, unconfirmed, other = address(), address(), address()
    old.user(planted)
    old.user(unconfirmed, old.signed_up(unconfirmed, verified=False))
    old.user(other)
    old.signed_up(other)
    payers = [old.payer(each) for each in (planted, unconfirmed, other)]
    found = old.propose()
    assert {found[each]["user"] for each in payers} == {""}
    assert all("has not verified it for them" in found[each]["note"] for each in payers)


def test_notes_say_why_there_is_no_proposal(old: Old) -> None:
    twice, newcomer, blocked = address(), address(), address()
    old.user(twice)
    old.user(twice, old.signed_up(twice))
    old.signed_up(newcomer)
    old_user(old.signed_up(blocked), email=blocked, gsi1pk=f"EMAIL#{blocked}", barred="blocked")
    bare = old.payer()
    old.stage.stripe.customers.update(bare, {"email": ""})
    wanted = {
        old.payer(twice): "several users have this e-mail",
        old.payer(newcomer): "signed up with it, but has never used the backend",
        old.payer(blocked): "is blocked",
        old.payer(address()): "nobody has this e-mail",
        bare: "no e-mail at Stripe and no user named there",
    }
    found = old.propose()
    for customer, note in wanted.items():
        assert found[customer]["user"] == ""
        assert note in found[customer]["note"]


def test_one_user_is_not_proposed_for_two_customers(old: Old) -> None:
    email = address()
    user = old.user(email, old.signed_up(email))
    first, second = old.payer(email), old.payer(email)
    found = old.propose()
    assert {found[each]["user"] for each in (first, second)} == {""}
    assert f"{user} fits several customers" in found[first]["note"]
    old.edit(first, approve="yes", user=user)
    assert old.run("--apply") == 0
    rest = old.propose()
    assert list(rest) == [second]
    assert f"is bound to another customer, {first}" in rest[second]["note"]


def test_what_is_not_ours_is_not_listed(old: Old, capsys: pytest.CaptureFixture[str]) -> None:
    mine = old.payer(address())
    old.payer(address(), app="groundwork", env="prod")
    old.payer(address(), app="another-product")
    cancelled = old.payer(address())
    [subscription] = old.stage.stripe.subscriptions.list({"customer": cancelled}).data
    old.stage.stripe.subscriptions.cancel(subscription.id)
    product = old.stage.stripe.products.create({"name": "Newsletter"})
    params = {"product": product.id, "currency": "usd", "unit_amount": 500}
    price = old.stage.stripe.prices.create({**params, "recurring": {"interval": "month"}})
    reader = old.stage.stripe.customers.create({"payment_method": "pm_card_visa"})
    method = old.stage.stripe.payment_methods.list({"customer": reader.id}).data[0].id
    old.stage.stripe.subscriptions.create(
        {"customer": reader.id, "items": [{"price": price.id}], "default_payment_method": method}
    )
    assert list(old.propose()) == [mine]
    shown = capsys.readouterr().out
    assert f"! Live subscriptions on {price.id} (5.00 usd a month), which" in shown
    assert f"MAP={price.id}=<price key>" in shown


def test_all_pages_are_read(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    customers = {old.payer(address()) for _ in range(3)}
    real = commands.StripeAccount.get

    def small_pages(self: Any, path: str, **params: Any) -> Any:
        return real(self, path, **{**params, "limit": 1} if "limit" in params else params)

    monkeypatch.setattr(commands.StripeAccount, "get", small_pages)
    assert set(old.propose()) == customers


def test_decisions_survive_a_new_list(old: Old) -> None:
    customer, other = old.payer(address()), old.payer(address())
    old.propose()
    user = old.user(address())
    old.edit(customer, approve="yes", user=user)
    found = old.propose()
    assert (found[customer]["approve"], found[customer]["user"]) == ("yes", user)
    assert found[other]["approve"] == ""
    assert stat.S_IMODE(old.path.stat().st_mode) == 0o600


def test_what_the_function_refuses_is_told_and_the_rest_is_done(
    old: Old, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = old.payer(address()), old.payer(address())
    user = old.user(address())
    old.propose()
    old.edit(good, approve="x", user=user)
    old.edit(bad, approve="x", user="user-that-is-not")
    assert old.run("--apply") == 1
    shown = capsys.readouterr().out
    assert f"{bad} → user-that-is-not: there is no such user" in shown
    assert "1 of 2 are bound." in shown
    assert store.bound_user(good) == user


def test_a_function_that_fails_names_its_log(old: Old, capsys: pytest.CaptureFixture[str]) -> None:
    customer = old.payer(address())
    old.propose()
    old.edit(customer, approve="yes", user=old.user(address()))
    old.functions.failing = True
    assert old.run("--apply") == 1
    assert "Its log /aws/lambda/x says why" in capsys.readouterr().err
    assert len(old.functions.calls) == 1


def test_files_that_cannot_be_meant_are_refused(
    old: Old, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal() -> str:
        assert old.run("--apply") == 1
        return capsys.readouterr().err

    assert "does not exist. First: make adopt-stripe ENV=local" in refusal()
    first, second = old.payer(address()), old.payer(address())
    old.propose()
    old.edit(first, approve="yes")
    assert f"approves {first} without naming a user" in refusal()
    for customer in (first, second):
        old.edit(customer, approve="yes", user="user-1")
    assert "gives user-1 several customers" in refusal()
    text = old.path.read_text()
    old.path.write_text(text + text.splitlines()[1] + "\n")
    assert "more than once" in refusal()
    old.path.write_text("name,age\nAda,36\n")
    assert "is not the list that this command wrote" in refusal()
    assert old.functions.calls == []


def test_a_person_may_decide_line_by_line(
    old: Old, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    users = [old.user(address()) for _ in range(2)]
    customers = [old.payer(session=each) for each in users]
    unknown = old.payer(address())
    old.propose()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "y" if customers[0] in question else ""

    monkeypatch.setattr("builtins.input", answer)
    assert old.run("--apply") == 0
    assert len(asked) == 2
    assert not any(unknown in question for question in asked)
    assert [store.bound_user(each) for each in customers] == [users[0], None]


def test_a_cell_is_never_a_formula(old: Old) -> None:
    customer = old.payer("=cmd|calc@example.com")
    assert old.propose()[customer]["email"] == "'=cmd|calc@example.com"
    assert old.propose()[customer]["email"] == "'=cmd|calc@example.com"
