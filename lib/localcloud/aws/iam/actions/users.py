"""User pools and sessions.

After "Actions, resources, and condition keys for Amazon Cognito User Pools" and "… AWS Security
Token Service".
"""

from localcloud.aws.iam.call import Call
from localcloud.aws.iam.policy import Access


def accesses(call: Call) -> list[Access]:
    """Operations on a pool; those that apps call for their users are not authorised by IAM."""
    body, operation = call.parameters, call.operation
    if "UserPoolId" in body:
        return [call.access(operation, call.arn(f"userpool/{body['UserPoolId']}"))]
    if "AccessToken" in body or "ClientId" in body:
        return []
    raise call.unmapped()


def sts_accesses(call: Call) -> list[Access]:
    """ "No permissions are required to perform" GetCallerIdentity; a role is assumed by its ARN."""
    if call.operation == "GetCallerIdentity":
        return []
    if call.operation == "AssumeRole":
        given = {"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName"}
        body = call.parameters
        context = {key: (body[name],) for key, name in given.items() if name in body}
        return [call.access("AssumeRole", body["RoleArn"], context)]
    raise call.unmapped()
