"""Who may assume a role: its trust policy, and the sessions that come of it.

After "How to use trust policies with IAM roles" and the API reference of AssumeRole (STS).
"""

from typing import Any

from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.policy import Access, statements
from localcloud.aws.iam.principals import Principal, admits

ASSUME_ROLE = "sts:AssumeRole"
SECONDS = 3600


class Untrusted(Exception):
    """A role may not be assumed, or not by this principal; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


def trusts(
    document: str,
    principal: Principal,
    role_arn: str,
    context: Context,
    action: str = ASSUME_ROLE,
) -> bool:
    """Whether a trust policy allows the principal to assume its role."""
    return admits(statements(document), principal, Access(action, role_arn, context))


def role_named(role_arn: str) -> Any:
    """Moto's role of an ARN.

    Raises:
        Untrusted: there is none.
    """
    from moto.iam.models import iam_backends

    parts = role_arn.split(":", 5)
    if len(parts) == 6 and parts[4] in iam_backends:
        for role in iam_backends[parts[4]][parts[1]].roles.values():
            if role.arn == role_arn:
                return role
    raise Untrusted(f"There is no role {role_arn}.", 404)


def assume_for_service(
    role_arn: str, service: str, session_name: str, region: str, source_arn: str | None = None
) -> dict[str, str]:
    """Credentials of a role for a service such as `lambda.amazonaws.com`, valid for an hour.

    Args:
        source_arn: the resource for which the service acts, say a function.

    Raises:
        Untrusted: there is no such role, or its trust policy does not let the service assume it.
    """
    from moto.sts.models import sts_backends

    role = role_named(role_arn)
    context = {"aws:sourceaccount": (role.account_id,), "aws:requestedregion": (region,)}
    context["aws:securetransport"] = ("true",)
    context["sts:rolesessionname"] = (session_name,)
    if source_arn:
        context["aws:sourcearn"] = (source_arn,)
    asking = Principal("Service", (service,))
    if not trusts(role.assume_role_policy_document, asking, role_arn, context):
        raise Untrusted(
            f"{service} is not authorized to perform: {ASSUME_ROLE} on resource: {role_arn} "
            "because the role's trust policy does not allow it."
        )
    session = sts_backends[role.account_id][role.partition].assume_role(
        region_name=region,
        role_session_name=session_name,
        role_arn=role_arn,
        policy=None,
        duration=SECONDS,
        external_id=None,
    )
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
