"""Repairs of what watches an environment: budgets, composite alarms, dead-letter queues."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

ACCOUNT = "123456789012"
MAIL = {"SubscriptionType": "EMAIL", "Address": "team@example.com"}
TOPIC = {"SubscriptionType": "SNS", "Address": f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"}
ACTUAL = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}


@pytest.fixture
def budgets(aws: LocalAws) -> Any:  # noqa: F811
    return aws.client("budgets")


@pytest.fixture
def place(budgets: Any) -> Iterator[dict[str, str]]:
    """A budget of its own name, with one notification by mail."""
    name = uuid4().hex
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget=budget(name, 100),
        NotificationsWithSubscribers=[{"Notification": ACTUAL, "Subscribers": [MAIL]}],
        ResourceTags=[{"Key": "app", "Value": "groundwork"}],
    )
    yield {"AccountId": ACCOUNT, "BudgetName": name}
    budgets.delete_budget(AccountId=ACCOUNT, BudgetName=name)


def budget(name: str, dollars: int) -> dict[str, Any]:
    limit = {"Amount": str(dollars), "Unit": "USD"}
    return {
        "BudgetName": name,
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": limit,
    }


def test_a_budget_can_be_changed(budgets: Any, place: dict[str, str]) -> None:
    before = budgets.describe_budget(**place)["Budget"]
    changed = budget(place["BudgetName"], 250)
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=changed)
    after = budgets.describe_budget(**place)["Budget"]
    assert after["BudgetLimit"]["Amount"] == "250"
    assert after["TimePeriod"] == before["TimePeriod"]
    assert budgets.describe_notifications_for_budget(**place)["Notifications"]


def test_subscribers_of_a_notification(budgets: Any, place: dict[str, str]) -> None:
    about = {**place, "Notification": ACTUAL}

    def subscribers() -> list[dict[str, str]]:
        found: list[dict[str, str]] = budgets.describe_subscribers_for_notification(**about)[
            "Subscribers"
        ]
        return found

    budgets.create_subscriber(**about, Subscriber=TOPIC)
    assert subscribers() == [MAIL, TOPIC]
    budgets.delete_subscriber(**about, Subscriber=MAIL)
    assert subscribers() == [TOPIC]
    # The same notification, written as the provider reads it back.
    (read,) = budgets.describe_notifications_for_budget(**place)["Notifications"]
    changed = {**read, "Threshold": 90.0}
    budgets.update_notification(**place, OldNotification=read, NewNotification=changed)
    about["Notification"] = changed
    assert subscribers() == [TOPIC]
    budgets.delete_notification(**place, Notification={**changed, "ThresholdType": "PERCENTAGE"})
    assert budgets.describe_notifications_for_budget(**place)["Notifications"] == []
    with pytest.raises(ClientError, match="NotFoundException"):
        subscribers()


def test_tags_of_a_budget(budgets: Any, place: dict[str, str]) -> None:
    arn = f"arn:aws:budgets::{ACCOUNT}:budget/{place['BudgetName']}"
    budgets.tag_resource(ResourceARN=arn, ResourceTags=[{"Key": "env", "Value": "dev"}])
    budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=["app"])
    tags = budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]
    assert tags == [{"Key": "env", "Value": "dev"}]


def test_a_composite_alarm(aws: LocalAws) -> None:  # noqa: F811
    cloudwatch, name = aws.client("cloudwatch"), uuid4().hex
    cloudwatch.put_composite_alarm(
        AlarmName=name, AlarmRule="ALARM(a) OR ALARM(b)", AlarmActions=[TOPIC["Address"]]
    )
    wanted = {"AlarmNames": [name], "AlarmTypes": ["CompositeAlarm"]}
    (found,) = cloudwatch.describe_alarms(**wanted)["CompositeAlarms"]
    assert (found["AlarmRule"], found["AlarmActions"]) == (
        "ALARM(a) OR ALARM(b)",
        [TOPIC["Address"]],
    )
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert cloudwatch.describe_alarms(**wanted)["CompositeAlarms"] == []


def test_policies_of_dead_letter_queues_are_kept_as_they_were_set(aws: LocalAws) -> None:  # noqa: F811
    sqs = aws.client("sqs")
    dead, live = (sqs.create_queue(QueueName=uuid4().hex)["QueueUrl"] for _ in range(2))

    def arn(url: str) -> str:
        found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "QueueArn"
        ]
        return found

    def attribute(url: str, name: str, value: dict[str, Any] | None) -> str | None:
        text = json.dumps(value, separators=(",", ":")) if value else ""
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: text})
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found: str | None = answer["Attributes"].get(name)
        assert found == (text or None)
        return found

    attribute(live, "RedrivePolicy", {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 5})
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [arn(live)]}
    attribute(dead, "RedriveAllowPolicy", allowed)
    attribute(dead, "RedriveAllowPolicy", None)
    for url in (live, dead):
        sqs.delete_queue(QueueUrl=url)
