"""What each service answers when it fails: its own codes, in the protocol it is spoken to.

From "Common errors" and the operations' errors in each service's API reference, and the
exceptions of the SDK's service models.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.dynamodb import ITEM_ACTIONS
from localcloud.aws.errors import QUERY_SERVICES, refusal


@dataclass(frozen=True)
class Failure:
    """Status, code and sentence of an error."""

    status: int
    code: str
    message: str


RATE = "Rate exceeded"
INTERNAL = "Internal failure"
THROTTLED = {
    "apigatewayv2": Failure(429, "TooManyRequestsException", RATE),
    "cognito-idp": Failure(400, "TooManyRequestsException", RATE),
    "lambda": Failure(429, "TooManyRequestsException", "Rate Exceeded."),
    "s3": Failure(503, "SlowDown", "Please reduce your request rate."),
    "scheduler": Failure(429, "ThrottlingException", RATE),
    "sesv2": Failure(429, "TooManyRequestsException", RATE),
    "sns": Failure(429, "Throttled", RATE),
    "sqs": Failure(400, "RequestThrottled", "The request was denied due to request throttling."),
    "xray": Failure(429, "ThrottledException", RATE),
}
ITEM_THROTTLED = Failure(
    400,
    "ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. Consider "
    "increasing your provisioning level with the UpdateTable API.",
)
FAILED = {
    "cloudwatch": Failure(500, "InternalServiceError", INTERNAL),
    "cognito-idp": Failure(500, "InternalErrorException", INTERNAL),
    "dynamodb": Failure(500, "InternalServerError", "Internal server error"),
    "events": Failure(500, "InternalException", INTERNAL),
    "iam": Failure(500, "ServiceFailure", INTERNAL),
    "kms": Failure(500, "KMSInternalException", INTERNAL),
    "lambda": Failure(500, "ServiceException", INTERNAL),
    "s3": Failure(500, "InternalError", "We encountered an internal error. Please try again."),
    "scheduler": Failure(500, "InternalServerException", INTERNAL),
    "secretsmanager": Failure(500, "InternalServiceError", INTERNAL),
    "sesv2": Failure(500, "InternalServiceErrorException", INTERNAL),
    "sns": Failure(500, "InternalError", INTERNAL),
    "ssm": Failure(500, "InternalServerError", INTERNAL),
}
CONFLICT = "Transaction is ongoing for the item"
TRANSACTIONS = frozenset({"dynamodb:TransactGetItems", "dynamodb:TransactWriteItems"})
CONFLICTING = TRANSACTIONS | {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}


def throttled(call: str) -> Failure:
    """How a service says that it is asked too often."""
    service, _, operation = call.partition(":")
    if service == "dynamodb" and operation in ITEM_ACTIONS | {"BatchWriteItem"}:
        return ITEM_THROTTLED
    code = "Throttling" if service in QUERY_SERVICES else "ThrottlingException"
    return THROTTLED.get(service, Failure(400, code, RATE))


def failed(call: str) -> Failure:
    """How a service says that something went wrong on its side."""
    return FAILED.get(call.partition(":")[0], Failure(500, "InternalFailure", INTERNAL))


def answer(call: str, environ: Mapping[str, Any], failure: Failure) -> Answer:
    """The failure as the caller's SDK expects it."""
    service = "json" if "HTTP_X_AMZ_TARGET" in environ else call.partition(":")[0]
    return refusal(service, failure.status, failure.code, failure.message)


def conflict(call: str, environ: Mapping[str, Any]) -> Answer:
    """Another transaction is at work on an item ("Amazon DynamoDB Transactions: How it works").

    A transaction is cancelled, and the reason is said of its first item; SDKs do not repeat it. A
    single write is refused.
    """
    if call not in TRANSACTIONS:
        return answer(call, environ, Failure(400, "TransactionConflictException", CONFLICT))
    others = len(json.loads(environ["groundwork.body"]).get("TransactItems", ())) - 1
    reasons = [{"Code": "TransactionConflict", "Message": CONFLICT}, *[{"Code": "None"}] * others]
    listed = ", ".join(reason["Code"] for reason in reasons)
    code = "TransactionCanceledException"
    refused = answer(call, environ, Failure(400, code, ""))
    sentence = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{listed}]"
    )
    body = {"__type": code, "Message": sentence, "CancellationReasons": reasons}
    return Answer(refused.status, refused.headers, json.dumps(body).encode())
