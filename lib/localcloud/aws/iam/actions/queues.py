"""Queues and topics, after "Actions, resources, and condition keys for Amazon SQS" and "… SNS"."""

from urllib.parse import urlsplit

from localcloud.aws.iam.call import Call
from localcloud.aws.iam.policy import Access


def sqs_accesses(call: Call) -> list[Access]:
    """A batch needs the action of a single message."""
    body, operation = call.parameters, call.operation
    if "QueueUrl" in body:
        account_id, name = urlsplit(body["QueueUrl"]).path.rsplit("/", 2)[-2:]
        arn = f"arn:aws:sqs:{call.region}:{account_id}:{name}"
        return [call.access(operation.removesuffix("Batch"), arn)]
    if "QueueName" in body:
        return [call.access(operation, call.arn(body["QueueName"]))]
    raise call.unmapped()


def sns_accesses(call: Call) -> list[Access]:
    """Publishing to, and asking about, a topic."""
    body, operation = call.parameters, call.operation
    arn = body.get("TopicArn") or body.get("TargetArn")
    if not arn:
        raise call.unmapped()
    return [call.access(operation.removesuffix("Batch"), arn)]
