"""An earlier deployment is taken over: data and people stay, and only payers have access."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.infra.clone import Outcome
from tests.infra.images import IMAGES
from tests.infra.old_stack import DOMAIN, POOL, TABLE, OldStack
from tests.infra.stack import ENV, PRESENT, LocalAccount, local_account

PAYER, LIAR = "ada@example.com", "mallory@example.com"


class Adopted:
    """The account after the earlier stack's table and pool were deployed over."""

    def __init__(self, account: LocalAccount, old: OldStack, deployed: Outcome) -> None:
        self.account, self.old, self.deployed = account, old, deployed

    def status(self, email: str) -> dict[str, Any]:
        """What the site's gate asks, for a signed-in user."""
        site = self.account.config.site_url
        who = {"sub": self.old.users[email], "email": email, "name": "Ada"}
        session = requests.post(f"{site}/_local/session", json=who, timeout=10)
        session.raise_for_status()
        # As a browser does it: http://localhost is trusted with `Secure` cookies.
        cookies = session.cookies.get_dict()
        url = f"{site}/backend/subscription/status"
        answer = requests.get(url, cookies=cookies, timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def adopt(self, *arguments: str) -> Outcome:
        return self.account.clone.run("adopt-stripe", "--env", ENV, *arguments)


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    folder: Path = tmp_path_factory.mktemp("adoption")
    with local_account(folder) as account:
        _bootstrap(account)
        old = OldStack.made(account)
        for email in (PAYER, LIAR):
            old.sign_up(email)
            old.forge_subscription(email)
        old.subscribe(PAYER)
        account.configure(
            site_enabled="false",
            site_url=f'"{account.config.site_url}"',
            adopt=(
                f'{{ table_name = "{TABLE}", user_pool_id = "{old.pool_id}", '
                f'user_pool_domain = "{DOMAIN}", user_pool_groups = ["admin"] }}'
            ),
        )
        deployed = account.deploy(account.build(PRESENT)).ok()
        given = f"{account.config.stripe_secret_key}\n"
        account.clone.run("secrets", "--env", ENV, "--stripe=stdin", given=given).ok()
        yield Adopted(account, old, deployed)


def _bootstrap(account: LocalAccount) -> None:
    """What a deployment needs of `make bootstrap`, in a moment instead of half a minute."""
    config = account.config
    bucket = f"groundwork-tfstate-{config.account_id}-{config.region}"
    account.client("s3").create_bucket(Bucket=bucket)
    for image in IMAGES:
        account.client("ecr").create_repository(repositoryName=f"groundwork/{image}")


def test_table_and_pool_are_imported_and_nothing_is_lost(adopted: Adopted) -> None:
    found = re.search(
        r"Plan: (\d+) to import, \d+ to add, (\d+) to change, (\d+) to destroy",
        adopted.deployed.output,
    )
    assert found, adopted.deployed.output[-3000:]
    assert (found[1], found[3]) == ("4", "0")
    assert "must be replaced" not in adopted.deployed.output
    endpoints = adopted.account.endpoints()
    assert endpoints["tableName"] == TABLE
    assert endpoints["userPoolId"] == adopted.old.pool_id
    table = adopted.account.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    assert table["ItemCount"] >= 4
    cognito = adopted.account.client("cognito-idp")
    pool = cognito.describe_user_pool(UserPoolId=adopted.old.pool_id)["UserPool"]
    assert pool["Name"] == POOL
    people = cognito.list_users(UserPoolId=adopted.old.pool_id)["Users"]
    assert {each["Value"] for one in people for each in one["Attributes"]} >= {PAYER, LIAR}


def test_a_second_plan_is_empty(adopted: Adopted) -> None:
    adopted.account.clone.run("drift", "--env", ENV).ok()


def test_an_old_flag_gives_nobody_access_and_a_decision_gives_it_to_who_paid(
    adopted: Adopted,
) -> None:
    for email in (PAYER, LIAR):
        assert adopted.status(email)["hasActiveSubscription"] is False

    customer, user = adopted.old.customers[PAYER], adopted.old.users[PAYER]
    price = adopted.old.price_id
    unknown = adopted.adopt().ok().output
    assert "There is nobody to adopt." in unknown
    assert f"MAP={price}=<price key>" in unknown
    mapped = f"--map={price}=price_starter_monthly"
    site = f"--url={adopted.account.config.site_url}"
    adopted.account.clone.run("stripe-setup", "--env", ENV, "--apply", mapped, site).ok()

    proposed = adopted.adopt().ok().output
    assert f"{customer} {PAYER}" in proposed
    assert f"→ {user} (e-mail, verified in the user pool)" in proposed
    assert adopted.status(PAYER)["hasActiveSubscription"] is False

    _approve(adopted.account.clone.folder / ".local" / f"adoption-{ENV}.csv", customer)
    assert f"{customer} → {user}: has access" in adopted.adopt("--apply").ok().output
    status = adopted.status(PAYER)
    assert (status["hasActiveSubscription"], status["subscription"]["planId"]) == (True, "starter")
    assert adopted.status(LIAR)["hasActiveSubscription"] is False


def _approve(path: Path, customer: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["approve"] = "yes" if row["customer"] == customer else ""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
