"""Condition blocks of policies, true, false or unknown.

After "IAM JSON policy elements: Condition operators", "Multivalued context keys" and "AWS global
condition context keys" of the IAM user guide. What is not modelled here is unknown: it never
lets an Allow apply and always lets a Deny apply.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.aws.iam.patterns import arn_fits, has_variable, wildcard

Context = Mapping[str, tuple[str, ...]]
"""Condition keys of a request, in lower case, with their values."""

# Keys that a request carries or, when it does not, that it truly lacks.
MODELLED = frozenset(
    {
        "aws:calledvia",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:viaawsservice",
        "bedrock:inferenceprofilearn",
        "dynamodb:leadingkeys",
        "kms:viaservice",
        "s3:prefix",
        "sts:externalid",
        "sts:rolesessionname",
    }
)
MODELLED_PREFIXES = ("kms:encryptioncontext:", "token.actions.githubusercontent.com:")
# "You must use set operators for multivalued context keys."
MULTIVALUED = frozenset({"aws:calledvia", "dynamodb:leadingkeys"})

Test = Callable[[str, str], bool]
"""Whether a policy's value fits a request's value."""


def _equals(wanted: str, value: str) -> bool:
    return wanted == value


def _equals_ignoring_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _like(wanted: str, value: str) -> bool:
    return wildcard(wanted).fullmatch(value) is not None


_TESTS: dict[str, tuple[Test, bool]] = {
    # operator in lower case: (test, whether it is negated)
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignoring_case, False),
    "stringnotequalsignorecase": (_equals_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "bool": (_equals_ignoring_case, False),
    "arnequals": (arn_fits, False),
    "arnlike": (arn_fits, False),
    "arnnotequals": (arn_fits, True),
    "arnnotlike": (arn_fits, True),
}
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)


@dataclass(frozen=True)
class Condition:
    """One operator with one key: its values are alternatives.

    `qualifier` is "", "forallvalues" or "foranyvalue". `gap` names what is not modelled.
    """

    key: str
    values: tuple[str, ...]
    operator: str
    qualifier: str = ""
    if_exists: bool = False
    gap: str | None = None

    def holds(self, context: Context) -> bool | None:
        """Whether it is met; None: not modelled."""
        if self.gap:
            return None
        values = context.get(self.key, ())
        if self.operator == "null":
            return str(not values).lower() in self.values
        if self.if_exists and not values:
            return True
        test, negated = _TESTS[self.operator]
        fits = [any(test(wanted, value) for wanted in self.values) != negated for value in values]
        if self.qualifier == "foranyvalue":
            return any(fits)
        # Without a value, ForAllValues is true and a plain operator false, unless it is negated.
        return all(fits) if fits or self.qualifier else negated


def parse(block: Mapping[str, Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The conditions of a statement, all of which must hold."""
    return tuple(
        _condition(operator, key, texts(values))
        for operator, keys in block.items()
        for key, values in keys.items()
    )


def _condition(written: str, key: str, values: tuple[str, ...]) -> Condition:
    match = _OPERATOR.fullmatch(written)
    qualifier, operator, if_exists = match.groups() if match else (None, written, None)
    key, operator, qualifier = key.lower(), operator.lower(), (qualifier or "").lower()
    gap = None
    if operator not in _TESTS and (operator != "null" or qualifier or if_exists):
        gap = f"condition operator {written}"
    elif key not in MODELLED and not key.startswith(MODELLED_PREFIXES):
        gap = f"condition key {key}"
    elif key in MULTIVALUED and not qualifier and operator != "null":
        gap = f"condition operator {written} with the multivalued key {key}"
    elif variable := next((value for value in values if has_variable(value)), None):
        gap = f"policy variable in {variable}"
    return Condition(key, values, operator, qualifier, bool(if_exists), gap)


def texts(value: Any) -> tuple[str, ...]:
    """A policy's one value or list of values; JSON's true and false are the words."""
    many: Sequence[Any] = value if isinstance(value, list) else [value]
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in many)
