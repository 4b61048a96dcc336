"""Plans: made, said in a sentence, and applied exactly as they were shown."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.account import DENIED, code, translated
from operations.deployment import Deployment, check
from operations.environments import assigned
from operations.terraform import CHANGES, show

_VERBS = {
    ("create",): "to create",
    ("update",): "to change",
    ("delete",): "to destroy",
    ("delete", "create"): "to replace",
    ("create", "delete"): "to replace",
}
_HOLDS_DATA = {
    "aws_cognito_user_pool": "all accounts",
    "aws_dynamodb_table": "all its rows",
    "aws_s3_bucket": "all its files",
}


@dataclass(frozen=True)
class Plan:
    """A saved plan.

    `document` is it in Terraform's "JSON Output Format", sensitive values too; empty without
    changes.
    """

    path: Path
    changes: bool
    document: dict[str, Any]


def make(deployment: Deployment, images: Path, *arguments: str) -> Plan:
    """Plan the environment with these images, show it, and save it.

    Raises:
        OperationError: Terraform refused an input, somebody holds the lock, or AWS failed.
    """
    environment = deployment.environment
    deployment.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = deployment.folder / "plan.tfplan"
    show(f"{environment.name}: planning")
    outcome = deployment.terraform.plan(
        path,
        f"-var-file={environment.variables}",
        f"-var=region={environment.region}",
        f"-var=images_file={images.resolve()}",
        *boundary(deployment),
        *arguments,
    )
    check(outcome, "plan", environment)
    changes = outcome.status == CHANGES
    plan = Plan(path, changes, deployment.terraform.planned(path) if changes else {})
    path.chmod(0o600)
    show(f"{environment.name}: {summary(plan.document)}")
    return plan


def boundary(deployment: Deployment) -> list[str]:
    """The policy that bounds every role of the environment, if terraform/bootstrap made one.

    Its deploy role may make no role without it. Who may not look whether there is one is such a
    role; what the environment's own file says comes first.
    """
    from botocore.exceptions import ClientError

    environment, account = deployment.environment, deployment.account
    name = "permissions_boundary_arn"
    if name in assigned(environment.variables.read_text(encoding="utf-8")):
        return []
    partition = account.caller.split(":")[1]
    policy = f"{environment.project}-boundary-{environment.name}"
    arn = f"arn:{partition}:iam::{account.id}:policy/{policy}"
    with translated("look for the permissions boundary"):
        try:
            account.client("iam").get_policy(PolicyArn=arn)
        except ClientError as error:
            if code(error) == "NoSuchEntity":
                return []
            if code(error) not in DENIED:
                raise
    return [f"-var={name}={arn}"]


def apply(deployment: Deployment, plan: Plan) -> None:
    """Apply the saved plan, nothing else.

    Raises:
        OperationError: it failed; what was done up to there is in the state.
    """
    show(f"{deployment.environment.name}: applying the saved plan")
    outcome = deployment.terraform.apply(plan.path)
    plan.path.unlink(missing_ok=True)
    check(outcome, "apply", deployment.environment)


def summary(document: dict[str, Any]) -> str:
    """What a plan would do, in a sentence or two."""
    changes = [
        (each["address"], each["type"], tuple(each["change"]["actions"]), each["change"])
        for each in document.get("resource_changes", [])
        if each.get("mode") == "managed"
    ]
    counted = Counter(_VERBS[actions] for _, _, actions, _ in changes if actions in _VERBS)
    if imported := sum("importing" in change for *_, change in changes):
        counted["to import"] = imported
    if not counted:
        outputs = document.get("output_changes", {}).values()
        only = any(change["actions"] != ["no-op"] for change in outputs)
        return "only outputs would change." if only else "nothing would change."
    text = f"{', '.join(f'{count} {verb}' for verb, count in counted.items())}."
    for address, kind, actions, _ in changes:
        if "delete" in actions and kind in _HOLDS_DATA:
            text += f" {address} would be lost, with {_HOLDS_DATA[kind]}!"
    return text
