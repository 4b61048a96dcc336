"""Decisions: tables of policies, requests and what comes of them, and two laws that always hold."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.iam import gaps
from localcloud.aws.iam.evaluation import Policies, reason_to_refuse
from localcloud.aws.iam.policy import Access, Statement, statements

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/groundwork-dev"
GET = "dynamodb:GetItem"
LEADING = "dynamodb:leadingkeys"


@pytest.fixture(autouse=True)
def _no_gaps() -> Iterator[None]:
    gaps.forget()
    yield
    gaps.forget()


def allow(action: Any = GET, resource: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = GET, resource: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def parsed(*many: dict[str, Any]) -> tuple[Statement, ...]:
    return statements({"Version": "2012-10-17", "Statement": list(many)})


def reason(
    *many: dict[str, Any],
    action: str = GET,
    resource: str = TABLE,
    context: dict[str, tuple[str, ...]] | None = None,
    **layers: tuple[Statement, ...] | None,
) -> str | None:
    access = Access(action, resource, context or {})
    return reason_to_refuse(Policies(parsed(*many), **layers), access)


NOBODY = f"because no identity-based policy allows the {GET} action"
DENIED = "with an explicit deny in an identity-based policy"


# Which policies


def test_nothing_is_allowed_unless_a_policy_says_so() -> None:
    assert reason() == NOBODY
    assert reason(allow()) is None


def test_a_deny_wins_wherever_it_stands() -> None:
    assert reason(allow(), deny()) == DENIED
    assert reason(deny(), allow()) == DENIED
    assert reason(deny()) == DENIED
    assert reason(allow(), deny("dynamodb:PutItem")) is None


def test_a_boundary_limits_and_gives_nothing() -> None:
    assert reason(allow(), boundary=parsed(allow("dynamodb:*"))) is None
    missing = f"because no permissions boundary allows the {GET} action"
    assert reason(allow(), boundary=parsed(allow("s3:*", "*"))) == missing
    assert reason(allow(), boundary=()) == missing
    assert reason(boundary=parsed(allow())) == NOBODY
    denied = "with an explicit deny in a permissions boundary"
    assert reason(allow(), boundary=parsed(allow(), deny())) == denied


def test_a_session_policy_limits_as_well() -> None:
    assert reason(allow(), session=parsed(allow())) is None
    missing = f"because no session policy allows the {GET} action"
    assert reason(allow(), boundary=parsed(allow()), session=()) == missing
    denied = "with an explicit deny in a session policy"
    assert reason(allow(), session=parsed(deny())) == denied


# Actions and resources


@pytest.mark.parametrize(
    ("pattern", "action", "covered"),
    [
        ("dynamodb:GetItem", "dynamodb:GetItem", True),
        ("DynamoDB:getitem", "dynamodb:GetItem", True),
        ("dynamodb:Get*", "dynamodb:GetItem", True),
        ("dynamodb:*Item", "dynamodb:GetItem", True),
        ("dynamodb:Ge?Item", "dynamodb:GetItem", True),
        ("dynamodb:Get?Item", "dynamodb:GetItem", False),
        ("*", "dynamodb:GetItem", True),
        ("dynamodb:GetItem", "dynamodb:BatchGetItem", False),
        ("dynamodb:Get", "dynamodb:GetItem", False),
        ("dynamodb.GetItem", "dynamodb:GetItem", False),
        (["s3:GetObject", "dynamodb:GetItem"], "dynamodb:GetItem", True),
        ([], "dynamodb:GetItem", False),
    ],
)
def test_actions(pattern: Any, action: str, covered: bool) -> None:
    assert (reason(allow(pattern), action=action) is None) == covered
    inverted = {"Effect": "Allow", "NotAction": pattern, "Resource": "*"}
    assert (reason(inverted, action=action) is None) != covered


@pytest.mark.parametrize(
    ("pattern", "resource", "covered"),
    [
        (TABLE, TABLE, True),
        (TABLE.upper(), TABLE, False),
        (f"{TABLE}/index/*", TABLE, False),
        (f"{TABLE}/index/*", f"{TABLE}/index/GSI1", True),
        (f"{TABLE}*", f"{TABLE}-other", True),
        ("arn:aws:s3:::bucket/uploads/*", "arn:aws:s3:::bucket/uploads/a/b.txt", True),
        ("arn:aws:s3:::bucket/uploads/*", "arn:aws:s3:::bucket/uploads/", True),
        ("arn:aws:s3:::bucket/uploads/*", "arn:aws:s3:::bucket/uploads", False),
        ("arn:aws:s3:::bucket/*.txt", "arn:aws:s3:::bucket/a\nb.txt", True),
        ("arn:aws:s3:::bucket/[a]", "arn:aws:s3:::bucket/a", False),
        ("arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/a", False),
        ("arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:::bucket/?", "arn:aws:s3:::bucket/ab", False),
        ("*", "*", True),
    ],
)
def test_resources(pattern: str, resource: str, covered: bool) -> None:
    assert (reason(allow(resource=pattern), resource=resource) is None) == covered
    inverted = {"Effect": "Allow", "Action": GET, "NotResource": pattern}
    assert (reason(inverted, resource=resource) is None) != covered


# Conditions


def leading(operator: str, *values: str) -> dict[str, Any]:
    return allow(Condition={operator: {"dynamodb:LeadingKeys": list(values)}})


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        (("AI#u1",), True),
        (("AI#u1", "AI#u2"), True),
        (("USER#u1",), False),
        (("AI#u1", "USER#u1"), False),
        (("ai#u1",), False),
        # An empty set satisfies ForAllValues: a Scan names no keys.
        ((), True),
    ],
)
def test_all_leading_keys_have_to_fit(keys: tuple[str, ...], allowed: bool) -> None:
    context = {LEADING: keys}
    assert (reason(leading("ForAllValues:StringLike", "AI#*"), context=context) is None) == allowed
    assert (reason(leading("forallvalues:stringlike", "AI#*"), context=context) is None) == allowed


@pytest.mark.parametrize(
    ("keys", "allowed"), [((), False), (("x", "AI#u1"), True), (("x", "y"), False)]
)
def test_any_leading_key_may_fit(keys: tuple[str, ...], allowed: bool) -> None:
    policy = leading("ForAnyValue:StringEquals", "AI#u1", "AI#u2")
    assert (reason(policy, context={LEADING: keys}) is None) == allowed


def test_a_set_of_keys_needs_a_set_operator() -> None:
    policy = leading("StringLike", "AI#*")
    assert reason(policy, context={LEADING: ("AI#u1",)}) == NOBODY
    assert gaps.reported() == [
        "condition operator StringLike with the multivalued key dynamodb:leadingkeys"
    ]


VIA = "kms:viaservice"
SSM = "ssm.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("operator", "wanted", "context", "holds"),
    [
        ("StringEquals", SSM, {VIA: (SSM,)}, True),
        ("StringEquals", [SSM, "x"], {VIA: ("x",)}, True),
        ("StringEquals", SSM.upper(), {VIA: (SSM,)}, False),
        ("StringEquals", "ssm.*", {VIA: (SSM,)}, False),
        ("StringEquals", SSM, {}, False),
        ("StringEqualsIgnoreCase", SSM.upper(), {VIA: (SSM,)}, True),
        ("StringEqualsIfExists", SSM, {}, True),
        ("StringEqualsIfExists", SSM, {VIA: ("x",)}, False),
        ("StringLike", "ssm.*.amazonaws.com", {VIA: (SSM,)}, True),
        ("StringLike", "ssm.??-east-?.amazonaws.com", {VIA: (SSM,)}, True),
        ("StringLike", "s3.*", {VIA: (SSM,)}, False),
        ("StringNotEquals", SSM, {VIA: (SSM,)}, False),
        ("StringNotEquals", ["x", SSM], {VIA: (SSM,)}, False),
        ("StringNotEquals", ["x", "y"], {VIA: (SSM,)}, True),
        ("StringNotEquals", SSM, {}, True),
        ("StringNotLike", "ssm.*", {VIA: (SSM,)}, False),
        ("Null", "true", {}, True),
        ("Null", True, {VIA: (SSM,)}, False),
        ("Null", "false", {VIA: (SSM,)}, True),
    ],
)
def test_operators(
    operator: str, wanted: Any, context: dict[str, tuple[str, ...]], holds: bool
) -> None:
    policy = allow(Condition={operator: {"kms:ViaService": wanted}})
    assert (reason(policy, context=context) is None) == holds
    contrary = deny(Condition={operator: {"kms:ViaService": wanted}})
    assert (reason(allow(), contrary, context=context) is None) != holds
    assert gaps.reported() == []


def test_booleans_and_arns() -> None:
    plain = deny(Condition={"Bool": {"aws:SecureTransport": False}})
    assert reason(allow(), plain, context={"aws:securetransport": ("true",)}) is None
    assert reason(allow(), plain, context={"aws:securetransport": ("false",)}) == DENIED
    source = "arn:aws:lambda:us-east-1:123456789012:function:users-api"
    for pattern, fits in [
        ("arn:aws:lambda:*:*:function:users-*", True),
        ("arn:aws:lambda:*:function:users-*", False),
        ("*", False),
    ]:
        policy = allow(Condition={"ArnLike": {"aws:SourceArn": pattern}})
        assert (reason(policy, context={"aws:sourcearn": (source,)}) is None) == fits


def test_all_conditions_have_to_hold() -> None:
    policy = allow(
        Condition={
            "StringEquals": {"kms:ViaService": SSM, "aws:RequestedRegion": "us-east-1"},
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "AI#*"},
        }
    )
    met = {VIA: (SSM,), "aws:requestedregion": ("us-east-1",), LEADING: ("AI#1",)}
    assert reason(policy, context=met) is None
    for key in met:
        assert reason(policy, context={**met, key: ("other",)}) == NOBODY


@pytest.mark.parametrize(
    ("more", "gap"),
    [
        (
            {"Condition": {"DateLessThan": {"aws:SourceArn": "2030-01-01"}}},
            "condition operator DateLessThan",
        ),
        (
            {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}},
            "condition key aws:sourcevpce",
        ),
        (
            {"Condition": {"StringEquals": {"kms:ViaService": "${aws:username}"}}},
            "policy variable in ${aws:username}",
        ),
        (
            {"Resource": f"{TABLE}/${{aws:username}}"},
            f"policy variable in {TABLE}/${{aws:username}}",
        ),
        ({"NotPrincipal": "*"}, "policy element NotPrincipal"),
        ({"Whim": "x"}, "policy element Whim"),
    ],
)
def test_what_is_not_modelled_is_refused_and_named(more: dict[str, Any], gap: str) -> None:
    context = {VIA: ("x",), "aws:sourcearn": ("x",)}
    assert reason(allow(**more), context=context) == NOBODY
    assert gaps.reported() == [gap]
    assert reason(allow(), deny(**more), context=context) == DENIED


def test_an_unknown_condition_beside_a_false_one_denies_nothing() -> None:
    policy = deny(
        Condition={
            "StringEquals": {"aws:SourceVpce": "vpce-1", "kms:ViaService": SSM},
        }
    )
    assert reason(allow(), policy, context={VIA: ("other",)}) is None


# Documents


@pytest.mark.parametrize("document", ["", "[]", '{"Version": "2012-10-17"}', '{"Statement": [1]}'])
def test_what_is_no_policy(document: str) -> None:
    with pytest.raises(ValueError, match=r"policy document|Expecting value"):
        statements(document)


def test_a_document_may_have_one_statement_and_be_encoded() -> None:
    (one,) = statements('{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}')
    (other,) = statements(
        "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22"
        "%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
    )
    assert one == other


# Laws

patterns = st.text("abAB:*?", max_size=6)
operators = st.sampled_from(
    (
        "StringEquals",
        "StringNotLike",
        "ForAllValues:StringLike",
        "ForAnyValue:StringEquals",
        "Null",
        "StringEqualsIfExists",
        "NumericEquals",
    )
)
keys = st.sampled_from(["dynamodb:LeadingKeys", "kms:ViaService", "aws:SourceVpce"])
conditions = st.dictionaries(operators, st.dictionaries(keys, st.lists(patterns)), max_size=2)


@st.composite
def any_statement(draw: Any, effect: str | None = None) -> dict[str, Any]:
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.lists(patterns, max_size=2)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(st.lists(patterns, max_size=2)),
        "Condition": draw(conditions),
    }


texts = st.text("abAB:", max_size=4)
contexts = st.fixed_dictionaries(
    {}, optional={LEADING: st.lists(texts).map(tuple), VIA: st.tuples(texts)}
)
policies = st.lists(any_statement(), max_size=4)
accesses = st.builds(Access, texts, texts, contexts)


@given(policies, any_statement("Allow"), accesses)
def test_one_more_allow_forbids_nothing(
    policy: list[dict[str, Any]], more: dict[str, Any], access: Access
) -> None:
    before = reason_to_refuse(Policies(parsed(*policy)), access)
    after = reason_to_refuse(Policies(parsed(*policy, more)), access)
    assert before is not None or after is None


@given(policies, any_statement("Deny"), accesses)
def test_one_more_deny_allows_nothing(
    policy: list[dict[str, Any]], more: dict[str, Any], access: Access
) -> None:
    before = reason_to_refuse(Policies(parsed(*policy)), access)
    after = reason_to_refuse(Policies(parsed(*policy, more)), access)
    assert before is None or after is not None


@given(policies, policies, accesses)
def test_a_boundary_allows_nothing(
    policy: list[dict[str, Any]], boundary: list[dict[str, Any]], access: Access
) -> None:
    alone = Policies(parsed(*policy))
    bounded = Policies(parsed(*policy), boundary=parsed(*boundary))
    assert reason_to_refuse(alone, access) is None or reason_to_refuse(bounded, access) is not None
