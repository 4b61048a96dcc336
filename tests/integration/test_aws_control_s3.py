"""Policies of buckets, with their conditions."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws


def _statement(bucket: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket}"
    resources = [arn, f"{arn}/*"]
    return {"Effect": "Deny", "Principal": "*", "Resource": resources, **more}


def test_a_bucket_that_wants_tls_is_served_on_loopback_and_still_refuses_what_it_says(
    aws: LocalAws,
) -> None:
    s3, bucket = aws.client("s3"), "tls-only"
    s3.create_bucket(Bucket=bucket)
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    statements = [
        _statement(bucket, Action="s3:*", Condition=without_tls),
        _statement(bucket, Action="s3:PutObject", Resource=f"arn:aws:s3:::{bucket}/frozen/*"),
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    s3.put_object(Bucket=bucket, Key="free", Body=b"text")
    assert s3.get_object(Bucket=bucket, Key="free")["Body"].read() == b"text"
    assert s3.head_object(Bucket=bucket, Key="free")["ContentLength"] == 4
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket=bucket, Key="frozen/one", Body=b"text")
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="absent")


def test_a_versioned_bucket_can_be_emptied(aws: LocalAws) -> None:
    """Terraform's provider deletes all versions and markers of a state bucket in one call."""
    s3, bucket = aws.client("s3"), "versioned"
    s3.create_bucket(Bucket=bucket)
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
    for _ in range(2):
        s3.put_object(Bucket=bucket, Key="dev/app.tfstate", Body=b"{}")
        s3.delete_object(Bucket=bucket, Key="dev/app.tfstate")
    found = s3.list_object_versions(Bucket=bucket)
    objects = [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for each in (*found["Versions"], *found["DeleteMarkers"])
    ]
    assert len(objects) == 4
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert len(answer["Deleted"]) == 4
    assert "Errors" not in answer
    s3.delete_bucket(Bucket=bucket)
