"""The AWS account: rights of whoever deploys, Lambda's concurrency, and mail."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from operations import secrets
from operations.account import DENIED, code
from operations.deployment import is_production
from operations.doctor.subject import Subject, looked
from operations.findings import Finding, ok, problem, warning

NEW_ACCOUNT_CONCURRENCY = 10
_NOT_TOLD = {*DENIED, "InvalidAction", "InvalidInput", "NoSuchEntity"}
_MORE = "ask for 1000: Service Quotas, AWS Lambda, Concurrent executions (L-B99A9384)"


def check(subject: Subject) -> Iterator[Finding]:
    """Everything here is read; nothing is changed or tried out."""
    yield looked("rights to deploy", partial(rights, subject))
    yield looked("Lambda concurrency", partial(concurrency, subject))
    yield looked("mail", partial(mail, subject))


def rights(subject: Subject) -> Finding:
    """Whether the caller may do what `make deploy` does, as IAM's policy simulator sees it."""
    from botocore.exceptions import ClientError

    caller = subject.account.caller
    if caller.endswith(":root"):
        return warning(
            "rights to deploy", "these are the root user's keys, which may do anything",
            "sign in as a role, and delete the root user's keys",
        )  # fmt: skip
    try:
        denied = [
            action
            for resource, actions in needed(subject).items()
            for action in _denied(subject, resource, actions)
        ]
    except ClientError as error:
        if code(error) not in _NOT_TOLD:
            raise
        return reading(subject)
    if not denied:
        return ok("rights to deploy", "the policies allow every kind of change that is made")
    return problem(
        "rights to deploy",
        f"{caller} may not: {', '.join(denied)}",
        "take the environment's deploy role (make bootstrap prints it), or add the rights",
    )


def needed(subject: Subject) -> dict[str, list[str]]:
    """By resource what a deployment does to it: one action of each kind, not all of them."""
    account, prefix = subject.account, subject.environment.prefix
    bucket = f"arn:aws:s3:::{subject.environment.state_bucket(account.id)}"
    here = f"{account.region}:{account.id}"
    return {
        f"{bucket}/{subject.environment.state_key}": ["s3:GetObject", "s3:PutObject"],
        f"arn:aws:lambda:{here}:function:{prefix}-users-api": [
            "lambda:CreateFunction",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateAlias",
        ],
        f"arn:aws:iam::{account.id}:role/{prefix}-users-api": ["iam:PassRole", "iam:PutRolePolicy"],
        f"arn:aws:apigateway:{account.region}::/apis": ["apigateway:POST"],
        f"arn:aws:dynamodb:{here}:table/{prefix}": ["dynamodb:CreateTable"],
        f"arn:aws:s3:::{prefix}-uploads-{account.id}": ["s3:CreateBucket"],
        f"arn:aws:ssm:{here}:parameter{secrets.names(subject.environment)[secrets.SESSION]}": [
            "ssm:PutParameter"
        ],
        f"arn:aws:logs:{here}:log-group:/aws/lambda/{prefix}-users-api": ["logs:CreateLogGroup"],
        "*": ["cognito-idp:CreateUserPool", "cloudfront:CreateDistribution"],
    }


def _denied(subject: Subject, resource: str, actions: list[str]) -> Iterator[str]:
    answer = subject.account.client("iam").simulate_principal_policy(
        PolicySourceArn=_principal(subject), ActionNames=actions, ResourceArns=[resource]
    )
    for result in answer["EvaluationResults"]:
        # A decision that hangs on the request's details cannot be told beforehand.
        if result["EvalDecision"] != "allowed" and not result.get("MissingContextValues"):
            yield str(result["EvalActionName"])


def _principal(subject: Subject) -> str:
    """The ARN whose policies decide: of an assumed role the role itself, with its path."""
    caller = subject.account.caller
    if ":assumed-role/" not in caller:
        return caller
    name = caller.split("/")[1]
    return str(subject.account.client("iam").get_role(RoleName=name)["Role"]["Arn"])


_READS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lambda:ListFunctions": ("lambda", "list_functions", {"MaxItems": 1}),
    "apigateway:GET": ("apigatewayv2", "get_apis", {"MaxResults": "1"}),
    "dynamodb:ListTables": ("dynamodb", "list_tables", {"Limit": 1}),
    "cognito-idp:ListUserPools": ("cognito-idp", "list_user_pools", {"MaxResults": 1}),
    "ssm:DescribeParameters": ("ssm", "describe_parameters", {"MaxResults": 1}),
    "logs:DescribeLogGroups": ("logs", "describe_log_groups", {"limit": 1}),
    "cloudfront:ListDistributions": ("cloudfront", "list_distributions", {"MaxItems": "1"}),
    "iam:ListRoles": ("iam", "list_roles", {"MaxItems": 1}),
}


def reading(subject: Subject) -> Finding:
    """The second best: whether the caller may at least read what it would have to change."""
    from botocore.exceptions import ClientError

    denied = []
    for action, (service, operation, arguments) in _READS.items():
        try:
            getattr(subject.account.client(service), operation)(**arguments)
        except ClientError as error:
            if code(error) in DENIED:
                denied.append(action)
    if denied:
        return problem(
            "rights to deploy",
            f"{subject.account.caller} may not even read: {', '.join(denied)}",
            "take the environment's deploy role (make bootstrap prints it), or add the rights",
        )
    return warning(
        "rights to deploy",
        "reading works; whether changing does could not be asked (iam:SimulatePrincipalPolicy)",
    )


def concurrency(subject: Subject) -> Finding:
    """New accounts run ten functions at once, all of them together ("Lambda quotas")."""
    limits = subject.account.client("lambda").get_account_settings()["AccountLimit"]
    total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    if free > NEW_ACCOUNT_CONCURRENCY:
        return ok("Lambda concurrency", f"{free} of {total} at once")
    worse = problem if is_production(subject.environment) else warning
    return worse(
        "Lambda concurrency",
        f"the account runs {free} functions at once in {subject.account.region}; one more call "
        "is answered 503, and provisioned concurrency cannot be had",
        _MORE,
    )


def mail(subject: Subject) -> Finding:
    """Whether Cognito's mails (codes, invitations) reach everybody who signs up."""
    account = subject.account
    pool = subject.outputs.get("user_pool_id")
    sender = ""
    if pool:
        found = account.client("cognito-idp").describe_user_pool(UserPoolId=pool)["UserPool"]
        sender = found.get("EmailConfiguration", {}).get("EmailSendingAccount", "COGNITO_DEFAULT")
    if sender == "COGNITO_DEFAULT":
        worse = problem if is_production(subject.environment) else warning
        return worse(
            "mail", "Cognito itself sends at most 50 mails a day",
            "verify a domain in SES and name it in the environment's tfvars, as `mail`",
        )  # fmt: skip
    if account.client("sesv2").get_account().get("ProductionAccessEnabled"):
        return ok("mail", "SES is out of its sandbox")
    return problem(
        "mail", f"SES in {account.region} is in its sandbox: only verified addresses get mail",
        "SES console, Account dashboard, Request production access",
    )  # fmt: skip
