"""A policy for each alias and version; stock moto has one for the whole function.

Lambda API Reference: AddPermission, GetPolicy, RemovePermission.
"""

import json
import uuid
from typing import Any

from moto.awslambda.exceptions import (
    GenericResourcNotFound,
    LambdaClientError,
    PreconditionFailedException,
    UnknownPolicyException,
)
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import TYPE_RESPONSE

from localcloud.aws.control.awslambda.qualifiers import Target, target
from localcloud.aws.repair import repair

# Parameter of AddPermission → operator and condition key.
CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


class StatementExistsError(LambdaClientError):  # type: ignore[misc]  # moto has no types
    """The policy has a statement of that id already."""

    code = 409

    def __init__(self, statement_id: str) -> None:
        super().__init__(
            "ResourceConflictException",
            f"The statement id ({statement_id}) provided already exists. Please provide a new "
            "statement id, or remove the existing statement.",
        )


@repair(LambdaResponse, "add_permission")
def add_permission(self: LambdaResponse) -> TYPE_RESPONSE:
    """AddPermission: one statement for the function, version or alias of the call."""
    place, asked = target(self), self.json_body
    _check_revision(place, asked.get("RevisionId"))
    statement = _statement(asked, place.arn)
    if any(known["Sid"] == statement["Sid"] for known in place.own.statements):
        raise StatementExistsError(statement["Sid"])
    place.own.statements.append(statement)
    place.own.revision = str(uuid.uuid4())
    return 201, {"status": 201}, json.dumps({"Statement": json.dumps(statement)})


@repair(LambdaResponse, "get_policy")
def get_policy(self: LambdaResponse) -> TYPE_RESPONSE:
    """GetPolicy: the statements of exactly this function, version or alias."""
    own = target(self).own
    if not own.statements:
        raise GenericResourcNotFound()
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": own.statements}
    return 200, {}, json.dumps({"Policy": json.dumps(policy), "RevisionId": own.revision})


@repair(LambdaResponse, "remove_permission")
def remove_permission(self: LambdaResponse) -> TYPE_RESPONSE:
    """RemovePermission: the statement that the last part of the path names."""
    place, statement_id = target(self), self.path.rpartition("/")[2]
    _check_revision(place, self.querystring.get("RevisionId", [None])[0])
    kept = [known for known in place.own.statements if known["Sid"] != statement_id]
    if len(kept) == len(place.own.statements):
        raise UnknownPolicyException()
    place.own.statements = kept
    place.own.revision = str(uuid.uuid4())
    return 204, {"status": 204}, ""


def _check_revision(place: Target, expected: str | None) -> None:
    if expected and expected != place.own.revision:
        raise PreconditionFailedException(
            "The RevisionId provided does not match the latest RevisionId for the Lambda function "
            "or alias. Call the GetFunction or the GetAlias API to retrieve the latest RevisionId "
            "for your resource."
        )


def _statement(asked: dict[str, Any], arn: str) -> dict[str, Any]:
    statement = {
        "Sid": asked["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(asked["Principal"]),
        "Action": asked["Action"],
        "Resource": arn,
    }
    conditions: dict[str, dict[str, Any]] = {}
    for parameter, (operator, key) in CONDITIONS.items():
        if parameter in asked:
            value = asked[parameter]
            text = str(value).lower() if isinstance(value, bool) else value
            conditions.setdefault(operator, {})[key] = text
    return {**statement, "Condition": conditions} if conditions else statement


def _principal(name: str) -> str | dict[str, str]:
    if name.endswith(".amazonaws.com"):
        return {"Service": name}
    if name == "*":
        return name
    return {"AWS": f"arn:aws:iam::{name}:root" if name.isdigit() else name}
