"""The post-confirmation trigger: Cognito calls a function through the Lambda Invoke API.

Event and errors as in "Post confirmation Lambda trigger" and "Customizing user pool workflows with
Lambda triggers" of the Cognito developer guide. The call never happens under the service's lock,
since the function may call Cognito itself.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from localcloud.aws.cognito.errors import CognitoError

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Trigger:
    """One call to be made: the function, its event, and the pool on whose behalf."""

    function_arn: str
    event: dict[str, Any]
    pool_arn: str


def post_confirmation(
    pool: Any, user: Any, client_id: str, source: str, metadata: dict[str, str] | None
) -> Trigger | None:
    """The pool's trigger for `PostConfirmation_<source>`, or nothing when the pool has none."""
    arn = (pool.extended_config.get("LambdaConfig") or {}).get("PostConfirmation")
    if not arn:
        return None
    request: dict[str, Any] = {
        "userAttributes": {**user.attribute_lookup, "cognito:user_status": user.status.value}
    }
    if metadata:
        request["clientMetadata"] = metadata
    event = {
        "version": "1",
        "region": pool.region,
        "userPoolId": pool.id,
        "userName": user.username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": f"PostConfirmation_{source}",
        "request": request,
        "response": {},
    }
    return Trigger(arn, event, pool.arn)


def call(trigger: Trigger, control_url: str) -> None:
    """Invoke the function and wait; raises Cognito's error when it fails, lacks or is too slow."""
    function = quote(trigger.function_arn, safe="")
    connection = http.client.HTTPConnection(urlsplit(control_url).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST",
            f"/2015-03-31/functions/{function}/invocations",
            json.dumps(trigger.event),
            {
                "Content-Type": "application/json",
                "X-Amz-Invocation-Type": "RequestResponse",
                # The function's policy may admit Cognito for this pool alone.
                "X-Amz-Source-Arn": trigger.pool_arn,
            },
        )
        answer = connection.getresponse()
        body = answer.read()
    except OSError as error:
        reason = "Socket timeout" if isinstance(error, TimeoutError) else str(error)
        raise CognitoError(
            "UnexpectedLambdaException",
            f"PostConfirmation invocation failed due to error {reason} while invoking Lambda "
            "function.",
        ) from error
    finally:
        connection.close()
    _check(answer, body)


def _check(answer: http.client.HTTPResponse, body: bytes) -> None:
    if answer.getheader("X-Amz-Function-Error"):
        message = _message(body)
        raise CognitoError(
            "UserLambdaValidationException", f"PostConfirmation failed with error {message}."
        )
    if answer.status >= 300:
        raise CognitoError(
            "UnexpectedLambdaException",
            f"PostConfirmation invocation failed due to error {_message(body)}.",
        )
    try:
        valid = isinstance(json.loads(body), dict)
    except ValueError:
        valid = False
    if not valid:
        raise CognitoError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def _message(body: bytes) -> str:
    try:
        error = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:200]
    fields = error if isinstance(error, dict) else {}
    return str(fields.get("errorMessage") or fields.get("Message") or error)
