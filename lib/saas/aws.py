"""The SDK's clients, for what only the SDK does well: presigned S3 addresses."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@lru_cache(maxsize=1)
def s3() -> "S3Client":
    """The S3 client, made when first used."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"total_max_attempts": 4, "mode": "standard"},
        signature_version="s3v4",
        s3={"addressing_style": "virtual"},
    )
    # A session of its own: boto3's default one keeps the first credentials it ever saw.
    return boto3.session.Session().client("s3", config=config)
