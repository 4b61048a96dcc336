"""Refusals in the protocol that a service speaks, so that SDKs raise them like AWS's own."""

import json
from uuid import uuid4
from xml.sax.saxutils import escape

from localcloud.aws.connections import Answer

# Services of AWS's query protocol and its like; S3 has its own XML; all others speak JSON.
QUERY_SERVICES = frozenset(
    {"sts", "ses", "iam", "sns", "sqs", "cloudformation", "cloudwatch", "monitoring", "rds"}
    | {"cloudfront", "route53"}
)


def refusal(
    service: str, status: int, code: str, message: str, details: dict[str, str] | None = None
) -> Answer:
    """An error answer of `service`; `details` become further elements of an S3 error."""
    request_id = uuid4().hex
    headers = {"x-amzn-RequestId": request_id}
    if service == "s3":
        fields = {"Code": code, "Message": message, **(details or {}), "RequestId": request_id}
        body = f"{XML}<Error>{_elements(fields)}</Error>"
        return Answer(
            status,
            {"Content-Type": "application/xml", "x-amz-request-id": request_id},
            body.encode(),
        )
    if service in QUERY_SERVICES:
        whose = "Receiver" if status >= 500 else "Sender"
        error = _elements({"Type": whose, "Code": code, "Message": message})
        body = (
            f"{XML}<ErrorResponse><Error>{error}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(status, {**headers, "Content-Type": "text/xml"}, body.encode())
    body = json.dumps({"__type": code, "message": message})
    headers |= {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return Answer(status, headers, body.encode())


XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _elements(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
