"""What local AWS calls a request, from what botocore would send."""

from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest

from localcloud.aws.operations import name_of

ARN = "arn:aws:apigateway:us-east-1::/apis/abc"


class Sent(Exception):
    """The request is known; nothing shall be sent."""


def environ_of(service: str, operation: str, **arguments: Any) -> dict[str, Any]:
    """The environ of the request that boto3 makes of a call."""
    client = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="AKIAGROUNDWORKLOCAL0",
        aws_secret_access_key="secret",
    )
    caught: list[Any] = []

    def keep(request: Any, **_: Any) -> None:
        caught.append(request)
        raise Sent

    client.meta.events.register("before-send", keep)
    with pytest.raises(Sent):
        getattr(client, operation)(**arguments)
    return read(caught[0])


def read(request: Any) -> dict[str, Any]:
    headers = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    address = urlsplit(request.url)
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "RAW_URI": f"{address.path}?{address.query}" if address.query else address.path,
        "PATH_INFO": unquote(address.path),
        "QUERY_STRING": address.query,
        "groundwork.body": body.encode() if isinstance(body, str) else body,
        "groundwork.headers": headers,
    }
    return environ | {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()}


PLACE = {"Bucket": "b", "Key": "a/b c=d"}


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "name"),
    [
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, "dynamodb:GetItem"),
        ("ssm", "get_parameter", {"Name": "/a"}, "ssm:GetParameter"),
        ("sts", "get_caller_identity", {}, "sts:GetCallerIdentity"),
        ("sns", "publish", {"TopicArn": "t", "Message": "Action=Other"}, "sns:Publish"),
        (
            "sqs",
            "send_message",
            {"QueueUrl": "http://q/1/q", "MessageBody": "m"},
            "sqs:SendMessage",
        ),
        ("ses", "list_identities", {}, "ses:ListIdentities"),
        ("sesv2", "list_email_identities", {}, "sesv2:ListEmailIdentities"),
        ("cloudwatch", "list_dashboards", {}, "cloudwatch:ListDashboards"),
        ("s3", "put_object", {**PLACE, "Body": b"x&Action=Drop"}, "s3:PutObject"),
        ("s3", "get_object", PLACE, "s3:GetObject"),
        ("s3", "head_object", PLACE, "s3:HeadObject"),
        ("s3", "copy_object", {**PLACE, "CopySource": "b/c"}, "s3:CopyObject"),
        ("s3", "create_multipart_upload", PLACE, "s3:CreateMultipartUpload"),
        (
            "s3",
            "upload_part",
            {**PLACE, "UploadId": "u", "PartNumber": 1, "Body": b"x"},
            "s3:UploadPart",
        ),
        ("s3", "get_object_tagging", PLACE, "s3:GetObjectTagging"),
        ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "a/"}, "s3:ListObjectsV2"),
        ("s3", "list_objects", {"Bucket": "b"}, "s3:ListObjects"),
        ("s3", "list_buckets", {}, "s3:ListBuckets"),
        (
            "s3",
            "get_bucket_notification_configuration",
            {"Bucket": "b"},
            "s3:GetBucketNotificationConfiguration",
        ),
        ("lambda", "invoke", {"FunctionName": "f:live", "Payload": b"{}"}, "lambda:Invoke"),
        ("lambda", "list_functions", {}, "lambda:ListFunctions"),
        ("lambda", "get_function", {"FunctionName": "f"}, "lambda:GetFunction"),
        ("apigatewayv2", "get_routes", {"ApiId": "a"}, "apigatewayv2:GetRoutes"),
        ("apigatewayv2", "get_tags", {"ResourceArn": ARN}, "apigatewayv2:GetTags"),
        ("scheduler", "get_schedule", {"Name": "s"}, "scheduler:GetSchedule"),
    ],
)
def test_a_request_is_called_as_aws_calls_it(
    service: str, operation: str, arguments: dict[str, Any], name: str
) -> None:
    assert name_of(environ_of(service, operation, **arguments)) == name


def test_what_nothing_names_is_called_by_method_and_path() -> None:
    environ = environ_of("lambda", "list_functions")
    environ |= {"RAW_URI": "/2030-01-01/dreams", "PATH_INFO": "/2030-01-01/dreams"}
    assert name_of(environ) == "lambda:GET /2030-01-01/dreams"
    environ["HTTP_AUTHORIZATION"] = environ["HTTP_AUTHORIZATION"].replace("lambda", "dreams")
    assert name_of(environ) == "dreams:GET /2030-01-01/dreams"
