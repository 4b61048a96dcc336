"""STS repairs: roles are assumed by whom they trust; stock moto lets anybody assume any name.

After "AssumeRole" and "AssumeRoleWithWebIdentity" of the STS API reference. A web identity token's
claims are compared with the trust policy; its signature is not checked, since its issuer is out of
reach here.
"""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from localcloud.aws.connections import Answer
from localcloud.aws.errors import refusal
from localcloud.aws.iam.call import credential_of
from localcloud.aws.iam.callers import Callers
from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.policy import statements
from localcloud.aws.iam.principals import Principal
from localcloud.aws.iam.trust import ASSUME_ROLE, Untrusted, role_named, trusts
from localcloud.aws.routing import LOCKS, LocalRequest, call_moto

BY_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"


def handler(callers: Callers, account_id: str) -> Callable[[LocalRequest], Answer]:
    """A handler that knows who calls; `account_id` is that of administrators."""

    def handle(request: LocalRequest) -> Answer:
        fields = _fields(request.environ)
        operation = fields.get("Action")
        try:
            if operation == "AssumeRole":
                _require_trust(callers, account_id, request.environ, fields)
            elif operation == "AssumeRoleWithWebIdentity":
                _require_federated_trust(fields)
        except Untrusted as error:
            return refusal("sts", 403, "AccessDenied", str(error))
        except ValueError as error:
            return refusal("sts", 400, "MalformedPolicyDocument", str(error))
        return call_moto("sts", request)

    return handle


def _fields(environ: dict[str, Any]) -> dict[str, str]:
    body: bytes = environ["groundwork.body"]
    given = parse_qs(body.decode("latin-1")) or parse_qs(environ["QUERY_STRING"])
    return {name: values[0] for name, values in given.items()}


def _require_trust(
    callers: Callers, account_id: str, environ: dict[str, Any], fields: dict[str, str]
) -> None:
    credential = credential_of(environ)
    caller = callers.find(credential.access_key_id) if credential else None
    account = caller.account_id if caller else account_id
    root = f"arn:aws:iam::{account}:root"
    named = (root, account) if caller is None else (root, account, caller.principal_arn, caller.arn)
    context = {
        "aws:securetransport": ("true",),
        "aws:principalaccount": (account,),
        "aws:principalarn": (caller.principal_arn if caller else root,),
    }
    for key, name in {"externalid": "ExternalId", "rolesessionname": "RoleSessionName"}.items():
        if name in fields:
            context[f"sts:{key}"] = (fields[name],)
    statements(fields.get("Policy", '{"Statement": []}'))
    _require(Principal("AWS", named), fields.get("RoleArn", ""), context, ASSUME_ROLE)


def _require_federated_trust(fields: dict[str, str]) -> None:
    claims = _claims(fields.get("WebIdentityToken", ""))
    provider = str(claims.get("iss", "")).removeprefix("https://")
    role_arn = fields.get("RoleArn", "")
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    principal = Principal("Federated", (f"arn:aws:iam::{account}:oidc-provider/{provider}",))
    context = {
        f"{provider}:{name}".lower(): (str(value),)
        for name, value in claims.items()
        if isinstance(value, str)
    }
    _require(principal, role_arn, context | {"aws:securetransport": ("true",)}, BY_WEB_IDENTITY)


def _require(principal: Principal, role_arn: str, context: Context, action: str) -> None:
    denied = f"Not authorized to perform {action} on {role_arn}"
    with LOCKS.of("iam"):
        try:
            document = role_named(role_arn).assume_role_policy_document
        except Untrusted as error:
            # Whoever may not assume a role is not told whether it exists.
            raise Untrusted(denied) from error
        if not trusts(document, principal, role_arn, context, action):
            raise Untrusted(denied)


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise Untrusted("The web identity token is no JSON Web Token.") from error
    return claims if isinstance(claims, dict) else {}
