"""The AWS account that a command works in, and AWS's errors as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from operations.errors import OperationError

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import ClientError

_SIGN_IN = (
    "Sign in (for example `aws sso login --profile …`) and name the profile in AWS_PROFILE, or set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled"}


@dataclass(frozen=True)
class Account:
    """Where the credentials of this process lead."""

    id: str
    caller: str
    """ARN of the user or role."""
    region: str
    session: "Session" = field(repr=False, compare=False)

    def client(self, service: str) -> Any:
        """A client with short timeouts, so that a command says within seconds what is wrong."""
        from botocore.config import Config

        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"total_max_attempts": 3, "mode": "standard"},
        )
        return self.session.client(service, config=config)  # type: ignore[call-overload]


def connect(region: str) -> Account:
    """The account of the credentials in use.

    Raises:
        OperationError: there are none, they have expired, or AWS cannot be reached.
    """
    import boto3

    with translated("look up who you are (sts:GetCallerIdentity)"):
        account = Account("", "", region, boto3.Session(region_name=region))
        found = account.client("sts").get_caller_identity()
    return Account(str(found["Account"]), str(found["Arn"]), region, account.session)


def code(error: Exception) -> str:
    """AWS's code of a ClientError, such as `AccessDeniedException`; else empty."""
    answer = getattr(error, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


@contextmanager
def translated(purpose: str) -> Iterator[None]:
    """Any failure of AWS within the block as an OperationError: "Could not <purpose>: …"."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OperationError(f"Could not {purpose}: {sentence(error)}") from error


def sentence(error: Exception) -> str:
    """What an AWS error means and what to do about it."""
    from botocore import exceptions as aws

    match error:
        case aws.ClientError():
            return _refusal(error)
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return f"there are no AWS credentials. {_SIGN_IN}"
        case aws.SSOError() | aws.TokenRetrievalError():
            return f"the AWS sign-in has expired. {_SIGN_IN}"
        case aws.ProfileNotFound():
            return f"{error}. `aws configure list-profiles` lists them."
        case aws.EndpointConnectionError() | aws.ConnectTimeoutError() | aws.ReadTimeoutError():
            return f"AWS did not answer. Check the network and the region. ({error})"
    return str(error)


def _refusal(error: "ClientError") -> str:
    named = code(error)
    message = str(error.response.get("Error", {}).get("Message", "")) or str(error)
    if named in _EXPIRED:
        return f"the AWS credentials have expired. {_SIGN_IN}"
    if named in _UNKNOWN:
        return f"AWS does not accept the credentials ({named}). {_SIGN_IN}"
    return f"AWS refuses it: {message}" if named in DENIED else f"{message} ({named})"
