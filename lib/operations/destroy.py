"""`make destroy`: everything of an environment goes, unless something protects it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operations import planning, releases
from operations.account import Account, translated
from operations.deploy import DEPLOYED, images_of
from operations.deployment import Deployment, confirm, is_production, open_environment
from operations.environments import Environment
from operations.errors import OperationError
from operations.place import ROOT
from operations.terraform import show


def destroy(env: str, images: str, *, confirmed: str, yes: bool) -> int:
    """Plan the destruction, ask, apply that plan, and see that nothing is left.

    Args:
        confirmed: the environment's prefix, spelled out; production asks for it.

    Raises:
        OperationError: production without that, or something is protected; nothing was done.
    """
    deployment = open_environment(env)
    prefix = deployment.environment.prefix
    if is_production(deployment.environment) and confirmed != prefix:
        raise OperationError(
            f"{env} is production. If all its data shall really be lost: "
            f"make destroy ENV={env} CONFIRM={prefix}"
        )
    if not deployment.terraform.resources():
        show(f"{env}: nothing is deployed, so there is nothing to destroy.")
        return 0
    state = deployment.terraform.state()
    if found := list(protections(state, deployment.account)):
        raise OperationError(refusal(deployment.environment, found))
    plan = planning.make(deployment, _any_images(deployment, images), "-destroy")
    confirm(f"Destroy everything in {prefix} (account {deployment.account.id})?", yes=yes)
    planning.apply(deployment, plan)
    if left := deployment.terraform.resources():
        raise OperationError(f"These are left: {', '.join(left)}")
    show(f"{env}: 0 resources are left. Its releases stay in the bucket {deployment.bucket}.")
    return 0


def protections(state: dict[str, Any], account: Account) -> Iterator[str]:
    """What AWS would refuse to delete, a phrase each.

    Found out beforehand: a destruction that stops half-way leaves the data without its backend.
    """
    for resource in _resources(state.get("values", {}).get("root_module", {})):
        kind, values = resource["type"], resource["values"]
        if kind == "aws_dynamodb_table" and values.get("deletion_protection_enabled"):
            yield f"the table {values['name']} has deletion protection"
        if kind == "aws_cognito_user_pool" and values.get("deletion_protection") == "ACTIVE":
            yield f"the user pool {values['name']} has deletion protection"
        kept = kind == "aws_s3_bucket" and not values.get("force_destroy")
        if kept and _holds_files(account, values["bucket"]):
            yield f"the bucket {values['bucket']} is not empty"


def refusal(environment: Environment, found: list[str]) -> str:
    """The protections in words, and how they are switched off."""
    path = environment.variables
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return (
        f"Nothing was destroyed, because {', '.join(found)}. To switch protection off: set "
        f"`protected = false` in {shown}, then make deploy ENV={environment.name}, then this again."
    )


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _holds_files(account: Account, bucket: str) -> bool:
    with translated(f"look into the bucket {bucket}"):
        found = account.client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
    return bool(found.get("Versions") or found.get("DeleteMarkers"))


def _any_images(deployment: Deployment, images: str) -> Path:
    """Terraform wants its inputs for a destruction too; any release will do."""
    named = DEPLOYED if releases.newest(deployment, 1) else images
    return images_of(deployment, named)
