"""From a request to what it needs: one module a service or a group of small ones.

Names of actions and their resources are those of the "Service Authorization Reference".
"""

from collections.abc import Callable

from localcloud.aws.iam.actions import dynamodb, queues, s3, secrets, users
from localcloud.aws.iam.call import Call
from localcloud.aws.iam.policy import Access

MAPPINGS: dict[str, Callable[[Call], list[Access]]] = {
    "cognito-idp": users.accesses,
    "dynamodb": dynamodb.accesses,
    "kms": secrets.kms_accesses,
    "s3": s3.accesses,
    "secretsmanager": secrets.secretsmanager_accesses,
    "sns": queues.sns_accesses,
    "sqs": queues.sqs_accesses,
    "ssm": secrets.ssm_accesses,
    "sts": users.sts_accesses,
}


def accesses(call: Call) -> list[Access]:
    """All that the call needs, each to be allowed; empty: it needs no permission at all.

    Raises:
        Unmapped: the service or the operation is not known here.
    """
    if mapping := MAPPINGS.get(call.service):
        return mapping(call)
    raise call.unmapped()
