"""CORS of Cognito, whose public actions a page's own script may call, as in AWS.

The port's guard has refused every origin that is not the site's: whichever comes here is answered.
"""

from collections.abc import Mapping
from typing import Any

from localcloud.aws.connections import Answer

TARGET = "AWSCognitoIdentityProviderService."
DOCUMENTS = ("/.well-known/jwks.json", "/.well-known/openid-configuration")
EXPOSED = "x-amzn-ErrorType,x-amzn-ErrorMessage,x-amzn-RequestId,Date"
MAX_AGE = "3000"


def preflight(environ: Mapping[str, Any]) -> Answer | None:
    """The answer to a page that asks before it calls an action; None for any other request."""
    wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    names = [name.strip() for name in wanted.lower().split(",")]
    asks = environ["REQUEST_METHOD"] == "OPTIONS" and environ["PATH_INFO"] == "/"
    if not asks or "HTTP_ORIGIN" not in environ or "x-amz-target" not in names:
        return None
    permission = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": wanted,
        "Access-Control-Max-Age": MAX_AGE,
    }
    return Answer(200, {**_readable(environ), **permission})


def readable(environ: Mapping[str, Any], answer: Answer) -> Answer:
    """An answer of Cognito's that the page which asked may read; any other as it is."""
    of_cognito = environ.get("HTTP_X_AMZ_TARGET", "").startswith(TARGET) or environ[
        "PATH_INFO"
    ].endswith(DOCUMENTS)
    if not of_cognito or "HTTP_ORIGIN" not in environ:
        return answer
    return Answer(answer.status, {**answer.headers, **_readable(environ)}, answer.body)


def _readable(environ: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": environ["HTTP_ORIGIN"],
        "Access-Control-Expose-Headers": EXPOSED,
        "Vary": "Origin",
    }
