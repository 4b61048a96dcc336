"""Policy documents as statements, and what a statement says to a request.

After "IAM JSON policy elements reference" of the IAM user guide.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from localcloud.aws.iam.conditions import Condition, Context, parse, texts
from localcloud.aws.iam.gaps import report
from localcloud.aws.iam.patterns import has_variable, wildcard

ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"}
    | {"Resource", "NotResource", "Condition"}
)


@dataclass(frozen=True)
class Access:
    """One action on one resource (its ARN, or `*`), with the condition keys of the request."""

    action: str
    resource: str
    context: Context = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Statement:
    """One statement; patterns are alternatives, conditions must all hold.

    `resources` is None in a trust policy. `is_whole` is false when it has elements that are not
    modelled: then it allows nothing, or denies everything.
    """

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()
    not_actions: bool = False
    not_resources: bool = False
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    is_whole: bool = True

    def applies(self, access: Access) -> bool:
        """Whether it allows (or denies) this; what is not modelled counts against the caller."""
        if not self.is_whole:
            return not self.allows
        if not self.names(access.action):
            return False
        if not self.covers(access.resource):
            return False
        unknown = False
        for condition in self.conditions:
            held = condition.holds(access.context)
            if held is False:
                return False
            unknown = unknown or held is None
        return not (unknown and self.allows)

    def names(self, action: str) -> bool:
        """Whether its Action or NotAction covers an action; upper and lower case are the same."""
        named = any(
            wildcard(pattern, ignore_case=True).fullmatch(action) for pattern in self.actions
        )
        return named != self.not_actions

    def covers(self, resource: str) -> bool:
        """Whether its Resource or NotResource covers one; a trust policy's has neither."""
        if self.resources is None:
            return True
        covered = any(wildcard(pattern).fullmatch(resource) for pattern in self.resources)
        return covered != self.not_resources


def statements(document: str | Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document, JSON or parsed.

    Raises:
        ValueError: no JSON object with statements.
    """
    loaded = json.loads(unquoted(document)) if isinstance(document, str) else document
    found = loaded.get("Statement") if isinstance(loaded, Mapping) else None
    many = [found] if isinstance(found, Mapping) else found
    if not isinstance(many, list) or not all(isinstance(each, Mapping) for each in many):
        raise ValueError("a policy document is a JSON object with a list 'Statement'")
    return tuple(_statement(each) for each in many)


def unquoted(document: str) -> str:
    """A document as text; IAM's own API hands them out percent-encoded."""
    return unquote(document) if document.startswith("%7B") else document


def _statement(source: Mapping[str, Any]) -> Statement:
    not_actions, not_resources = "NotAction" in source, "NotResource" in source
    actions = texts(source["NotAction" if not_actions else "Action"])
    named = "NotResource" if not_resources else "Resource"
    resources = texts(source[named]) if named in source else None
    conditions = parse(source.get("Condition", {}))
    return Statement(
        allows=source.get("Effect") == "Allow",
        actions=actions,
        resources=resources,
        conditions=conditions,
        not_actions=not_actions,
        not_resources=not_resources,
        principals=_principals(source.get("Principal")),
        is_whole=_is_whole(source, actions + (resources or ()), conditions),
    )


def _is_whole(
    source: Mapping[str, Any], patterns: tuple[str, ...], conditions: tuple[Condition, ...]
) -> bool:
    """Whether everything but conditions is modelled; all gaps are reported."""
    gaps = [f"policy element {name}" for name in sorted(set(source) - ELEMENTS)]
    if "NotPrincipal" in source:
        gaps.append("policy element NotPrincipal")
    gaps += [f"policy variable in {pattern}" for pattern in patterns if has_variable(pattern)]
    for gap in gaps + [condition.gap for condition in conditions if condition.gap]:
        report(gap)
    return not gaps


def _principals(source: Any) -> dict[str, tuple[str, ...]]:
    if source is None:
        return {}
    if not isinstance(source, Mapping):
        return {"*": texts(source)}
    return {kind: texts(values) for kind, values in source.items()}
