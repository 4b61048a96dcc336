"""What Terraform applied is complete: a second plan is empty, and the journey passes through it."""

import time

from tests.infra.stack import ENV, PREFIX, LocalAccount


def test_a_second_plan_of_the_app_is_empty(applied: LocalAccount) -> None:
    outcome = applied.clone.run("drift", "--env", ENV).ok()
    assert "No changes. Your infrastructure matches the configuration." in outcome.output


def test_a_second_bootstrap_changes_nothing(applied: LocalAccount) -> None:
    outcome = applied.clone.run("bootstrap", "--yes", "--repository=example/groundwork").ok()
    assert "No changes. Your infrastructure matches the configuration." in outcome.output


def test_a_second_setup_of_payments_changes_nothing(applied: LocalAccount) -> None:
    site = f"--url={applied.config.site_url}"
    outcome = applied.clone.run("stripe-setup", "--env", ENV, site).ok()
    assert "Everything is there. Nothing to do." in outcome.output


def test_the_paid_journey_passes_through_what_was_applied(applied: LocalAccount) -> None:
    applied.journey()


def test_the_schedule_calls_reconcile_which_moves_its_cursor(applied: LocalAccount) -> None:
    table = applied.endpoints()["tableName"]
    before = _cursor(applied, table)
    fired = applied.fire(f"{PREFIX}-billing-reconcile")
    assert fired.status_code == 202, fired.text
    deadline = time.monotonic() + 30
    while _cursor(applied, table) == before:
        assert time.monotonic() < deadline, "\n".join(applied.printed()[-20:])
        time.sleep(0.2)


def _cursor(applied: LocalAccount, table: str) -> object:
    return applied.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "RECONCILE#cursor"}},
        ConsistentRead=True,
    )["Items"]
