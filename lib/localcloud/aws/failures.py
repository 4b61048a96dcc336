"""Whatever goes wrong inside moto, as an AWS error; never a 500.

SDKs and Terraform repeat a 500 for minutes, and here it would fail the same way each time.
"""

import json
import sys
import traceback
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from localcloud.aws.connections import Answer
from localcloud.aws.errors import refusal
from localcloud.aws.validation import MalformedError, complaint

UNKNOWN_ACTION = {"sts": "InvalidAction", "ses": "InvalidAction", "iam": "InvalidAction"}
UNKNOWN_ACTION |= {"s3": "NotImplemented"}


class UnsupportedError(Exception):
    """Moto has no such service, path or action."""


class DefectError(Exception):
    """Moto has failed and says so in an answer of its own, which is the message."""


def failure(service: str, environ: dict[str, Any], error: Exception) -> Answer:
    """The answer for an exception: moto's own error, a named gap, bad input, or a defect."""
    # A service that has learned JSON (SQS) still speaks its first protocol with older clients.
    spoken = "json" if "HTTP_X_AMZ_TARGET" in environ else service
    if isinstance(error, (HTTPException, ServiceException, ClientError)):
        return _moto_error(spoken, error)
    if isinstance(error, (NotImplementedError, UnsupportedError, OperationNotFoundError)):
        return _gap(service, spoken, environ, error)
    if isinstance(error, (MalformedError, json.JSONDecodeError, UnicodeDecodeError)):
        return refusal(spoken, 400, "SerializationException", "The request body is malformed.")
    if problem := complaint(service, environ):
        code = "InvalidParameterException" if service == "cognito-idp" else "ValidationException"
        return refusal(spoken, 400, code, problem)
    where = f"{service} {environ['REQUEST_METHOD']} {environ.get('HTTP_X_AMZ_TARGET', '')}"
    print(f"aws: {where} failed:", file=sys.stderr)
    traceback.print_exception(error, file=sys.stderr)
    return refusal(spoken, 400, "LocalFailure", f"{type(error).__name__}: {error}")


def _moto_error(spoken: str, error: HTTPException | ServiceException | ClientError) -> Answer:
    if isinstance(error, ServiceException):
        return refusal(spoken, 400, error.code, error.message)
    if isinstance(error, ClientError):
        details = error.response["Error"]
        return refusal(spoken, 400, details["Code"], details["Message"])
    return Answer(error.code or 400, dict(error.get_headers()), str(error.get_body()).encode())


def _gap(service: str, spoken: str, environ: dict[str, Any], error: Exception) -> Answer:
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or str(error)
    # In one piece, since other threads write there, too.
    sys.stderr.write(f"aws: not implemented: {service} {action}\n")
    sys.stderr.flush()
    code = UNKNOWN_ACTION.get(service, "UnknownOperationException")
    return refusal(spoken, 400, code, f"Not implemented: {action}")
