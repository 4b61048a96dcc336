"""Budgets: changes, subscribers and tags, which stock moto lacks.

AWS Billing API Reference, "AWS Budgets".
"""

import json
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, BudgetsBackend, Notification
from moto.budgets.responses import BudgetsResponse

from localcloud.aws.repair import added, repair

Tags = list[dict[str, str]]


def _budget(self: BudgetsResponse) -> Budget:
    account, name = self._get_param("AccountId"), self._get_param("BudgetName")
    found = self.backend.budgets[account].get(name)
    if found is None:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return found


def _notification(self: BudgetsResponse, details: dict[str, Any]) -> Notification:
    wanted = _normal(details)
    for notification in _budget(self).notifications:
        if _normal(notification.details) == wanted:
            return notification
    raise NotFoundException("Unable to find the notification - it doesn't exist.")


def _normal(details: dict[str, Any]) -> dict[str, Any]:
    """What identifies a notification; a percentage is meant when no type is given."""
    kept = {name: value for name, value in details.items() if name != "NotificationState"}
    return {"ThresholdType": "PERCENTAGE", **kept, "Threshold": float(details["Threshold"])}


@repair(BudgetsResponse, "create_budget")
def create_budget(self: BudgetsResponse) -> str:
    """CreateBudget, with its tags."""
    answer: str = create_budget.stock(self)  # type: ignore[attr-defined]
    account, budget = self._get_param("AccountId"), self._get_param("Budget")
    self.backend.budgets[account][budget["BudgetName"]].tags = {
        tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags") or []
    }
    return answer


@added(BudgetsResponse)
def update_budget(self: BudgetsResponse) -> str:
    """UpdateBudget: everything but the period's start, notifications and tags."""
    account, new = self._get_param("AccountId"), self._get_param("NewBudget")
    known = self.backend.budgets[account].get(new["BudgetName"])
    if known is None:
        raise NotFoundException("Unable to update budget - the budget doesn't exist.")
    replacement = Budget({"TimePeriod": known.budget["TimePeriod"], **new}, [])
    known.budget = replacement.budget
    return "{}"


@repair(BudgetsBackend, "describe_notifications_for_budget")
def describe_notifications(
    self: BudgetsBackend, account_id: str, budget_name: str
) -> list[dict[str, Any]]:
    """With the state that each notification has."""
    budget = self.budgets[account_id].get(budget_name)
    if budget is None:
        raise NotFoundException("Unable to get notifications - the budget doesn't exist.")
    return [{"NotificationState": "OK", **each.details} for each in budget.notifications]


@repair(BudgetsResponse, "delete_notification")
def delete_notification(self: BudgetsResponse) -> str:
    """DeleteNotification by its meaning; stock moto misses one that is written differently."""
    found = _notification(self, self._get_param("Notification"))
    _budget(self).notifications.remove(found)
    return "{}"


@added(BudgetsResponse)
def update_notification(self: BudgetsResponse) -> str:
    """UpdateNotification keeps the subscribers."""
    found = _notification(self, self._get_param("OldNotification"))
    found.details = self._get_param("NewNotification")
    return "{}"


@added(BudgetsResponse)
def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    """DescribeSubscribersForNotification, all on one page."""
    found = _notification(self, self._get_param("Notification"))
    return json.dumps({"Subscribers": found.subscribers, "NextToken": None})


@added(BudgetsResponse)
def create_subscriber(self: BudgetsResponse) -> str:
    found = _notification(self, self._get_param("Notification"))
    found.subscribers = [*found.subscribers, self._get_param("Subscriber")]
    return "{}"


@added(BudgetsResponse)
def delete_subscriber(self: BudgetsResponse) -> str:
    found, gone = (
        _notification(self, self._get_param("Notification")),
        self._get_param("Subscriber"),
    )
    if gone not in found.subscribers:
        raise NotFoundException("Unable to delete the subscriber - it doesn't exist.")
    found.subscribers = [known for known in found.subscribers if known != gone]
    return "{}"


def _tagged(self: BudgetsResponse) -> Budget:
    """The budget of `arn:aws:budgets::<account>:budget/<name>`."""
    owner, _, name = self._get_param("ResourceARN").partition(":budget/")
    found = self.backend.budgets[owner.rpartition(":")[2]].get(name)
    if found is None:
        raise NotFoundException(f"Unable to find the budget {name}.")
    return found


@added(BudgetsResponse)
def list_tags_for_resource(self: BudgetsResponse) -> str:
    tags: Tags = [{"Key": key, "Value": value} for key, value in _tagged(self).tags.items()]
    return json.dumps({"ResourceTags": tags})


@added(BudgetsResponse)
def tag_resource(self: BudgetsResponse) -> str:
    tags: Tags = self._get_param("ResourceTags")
    _tagged(self).tags |= {tag["Key"]: tag["Value"] for tag in tags}
    return "{}"


@added(BudgetsResponse)
def untag_resource(self: BudgetsResponse) -> str:
    for key in self._get_param("ResourceTagKeys"):
        _tagged(self).tags.pop(key, None)
    return "{}"
