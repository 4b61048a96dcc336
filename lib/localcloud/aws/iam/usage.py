"""Policies compared with what their roles really did.

Pure functions: calls are those of the record (`GET /_local/iam/calls`), policies are documents by
the name of their role.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aws.iam.patterns import wildcard
from localcloud.aws.iam.policy import Statement, statements
from localcloud.aws.iam.recorder import LEADING_KEYS

Documents = Mapping[str, Iterable[str | Mapping[str, Any]]]
"""Policy documents by the name of the role that has them."""

# Actions without resource-level permissions: "Actions, resources, and condition keys for AWS X-Ray"
# and "… for Amazon CloudWatch" of the Service Authorization Reference.
ONLY_EVERYTHING = frozenset(
    {
        "cloudwatch:PutMetricData",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


@dataclass(frozen=True, order=True)
class Grant:
    """An action that a role may do, or, with `resource`, one of those it may do it on.

    `resource` may also be "partition <pattern>": keys of a table's rows.
    """

    role: str
    action: str
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.role}: {self.action}" + (f" on {self.resource}" if self.resource else "")


@dataclass(frozen=True)
class Explanation:
    """Why grants stay though no test used them; patterns with `*`."""

    action: str
    because: str
    role: str = "*"
    resource: str = "*"

    def covers(self, grant: Grant) -> bool:
        return (
            _fits(self.role, grant.role)
            and _fits(self.action, grant.action)
            and _fits(self.resource, grant.resource)
        )


def refused(calls: Iterable[Mapping[str, Any]]) -> list[Grant]:
    """What roles tried and were not allowed."""
    return sorted({_grant(call) for call in calls if not call["allowed"]})


def ungranted(calls: Iterable[Mapping[str, Any]], policies: Documents) -> list[Grant]:
    """What roles did and no statement of their policies allows: then nobody has judged it."""
    granted = {role: _allowing(documents) for role, documents in policies.items()}
    return sorted(
        {
            _grant(call)
            for call in calls
            if call["allowed"]
            and not any(
                each.names(call["action"]) and each.covers(call["resource"])
                for each in granted.get(call["role"], ())
            )
        }
    )


def unused(calls: Iterable[Mapping[str, Any]], policies: Documents) -> list[Grant]:
    """Granted and never used: actions of a statement, and where some of it was used, its resources
    and the partition keys of its `dynamodb:LeadingKeys`.

    An action counts as used on any of its statement's resources, a resource by any of the actions.
    """
    made = [call for call in calls if call["allowed"]]
    return sorted(
        {
            grant
            for role, documents in policies.items()
            for statement in _allowing(documents)
            for grant in _unused(role, statement, [c for c in made if c["role"] == role])
        }
    )


def everything(policies: Documents) -> list[Grant]:
    """Statements on `*` that allow an action for which AWS knows narrower resources."""
    return sorted(
        Grant(role, action, "*")
        for role, documents in policies.items()
        for statement in _allowing(documents)
        if "*" in (statement.resources or ()) or statement.not_resources or statement.not_actions
        for action in statement.actions
        if action not in ONLY_EVERYTHING
    )


def unexplained(grants: Iterable[Grant], known: Iterable[Explanation]) -> list[Grant]:
    """Grants that no explanation covers."""
    return [grant for grant in grants if not any(each.covers(grant) for each in known)]


def needless(grants: Iterable[Grant], known: Iterable[Explanation]) -> list[Explanation]:
    """Explanations that cover none of the grants any more."""
    found = list(grants)
    return [each for each in known if not any(each.covers(grant) for grant in found)]


def _unused(role: str, statement: Statement, calls: list[Mapping[str, Any]]) -> list[Grant]:
    here = [c for c in calls if statement.names(c["action"]) and statement.covers(c["resource"])]
    actions = [
        Grant(role, action)
        for action in statement.actions
        if not any(_fits(action, call["action"], ignore_case=True) for call in here)
    ]
    if not here:
        return actions
    named = "/".join(statement.actions)
    resources = [
        Grant(role, named, resource)
        for resource in statement.resources or ()
        if not any(_fits(resource, call["resource"]) for call in here)
    ]
    keys = [
        Grant(role, named, f"partition {value}")
        for condition in statement.conditions
        if condition.key == LEADING_KEYS
        for value in condition.values
        if not any(_fits(value, key) for call in here for key in call["keys"])
    ]
    return actions + resources + keys


def _grant(call: Mapping[str, Any]) -> Grant:
    return Grant(call["role"], call["action"], call["resource"])


def _allowing(documents: Iterable[str | Mapping[str, Any]]) -> list[Statement]:
    return [each for document in documents for each in statements(document) if each.allows]


def _fits(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    return wildcard(pattern, ignore_case=ignore_case).fullmatch(text) is not None
