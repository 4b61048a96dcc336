"""AWS clients, created when first used and kept for the life of the process."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient


@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["ssm"]) -> "SSMClient": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(
    service: Literal["bedrock-runtime"], *, read_timeout: float, retries: int
) -> "BedrockRuntimeClient": ...


@lru_cache(maxsize=8)
def client(service: str, *, read_timeout: float = 5, retries: int = 3) -> Any:
    """A client for `service` with short timeouts, so that a caller fails inside its own time.

    Args:
        service: the service's name in the SDK, such as `dynamodb`.
        read_timeout: seconds to wait for an answer.
        retries: attempts after the first one.
    """
    import boto3
    from botocore.config import Config

    options: dict[str, Any] = {}
    if service == "s3":
        options = {"signature_version": "s3v4", "s3": {"addressing_style": "virtual"}}
    config = Config(
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"total_max_attempts": retries + 1, "mode": "standard"},
        tcp_keepalive=True,
        max_pool_connections=4,
        **options,
    )
    make: Any = boto3.client
    return make(service, config=config)


def is_outage(error: BaseException) -> bool:
    """Whether an AWS service could not be reached, was overloaded or failed on its own side."""
    if isinstance(error, TimeoutError):
        return True
    if not type(error).__module__.startswith("botocore."):
        return False
    # Whoever holds such an error has loaded the SDK already.
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionError | HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    return status >= 500 or status == 429 or "Throttl" in code or "ThroughputExceeded" in code
