"""Who may invoke a function: its resource policy, and the role of whoever calls.

As "Using resource-based policies for Lambda" of the Lambda developer guide has it: a service is
named as the principal, and the resource it acts for by `aws:SourceArn`.
"""

from localcloud.aws.iam import principals
from localcloud.aws.iam.policy import Access, Statement
from localcloud.aws.iam.principals import Principal

ACTION = "lambda:InvokeFunction"


def invocation(function_arn: str, source_arn: str) -> Access:
    """The call of a function on behalf of a resource of the same account."""
    account = source_arn.split(":")[4] or function_arn.split(":")[4]
    context = {"aws:sourcearn": (source_arn,), "aws:sourceaccount": (account,)}
    return Access(ACTION, function_arn, context)


def admits(policy: tuple[Statement, ...], service: str, access: Access) -> bool:
    """Whether a resource policy lets a service (`apigateway.amazonaws.com`) do this."""
    return principals.admits(policy, Principal("Service", (service,)), access)


def refusal(service: str, access: Access, kind: str = "resource-based") -> str:
    """The sentence with which Lambda refuses."""
    return (
        f"User: {service} is not authorized to perform: {access.action} on resource: "
        f"{access.resource} because no {kind} policy allows the {access.action} action"
    )
