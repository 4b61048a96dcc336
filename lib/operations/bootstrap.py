"""`make bootstrap`: what an account needs before any environment, made once and kept up to date."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations import account as accounts
from operations import environments, planning
from operations.account import Account, code, translated
from operations.deployment import confirm
from operations.errors import OperationError
from operations.place import BOOTSTRAP, LOCAL, ROOT
from operations.terraform import CHANGES, FAILED, Terraform, show

_OVERRIDE = "first_run_override.tf"
_ISSUER = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Ground:
    """The root `terraform/bootstrap` in an account, and where its state goes in the end."""

    account: Account
    project: str
    terraform: Terraform

    @property
    def bucket(self) -> str:
        return environments.state_bucket(self.project, self.account.id, self.account.region)

    @property
    def folder(self) -> Path:
        """Per account: the first run's state lies here until the bucket exists."""
        return LOCAL / "terraform" / f"bootstrap-{self.account.id}-{self.account.region}"

    @property
    def backend(self) -> dict[str, str]:
        return {"bucket": self.bucket, "region": self.account.region, "encrypt": "true"}


def bootstrap(repository: str, *, yes: bool) -> int:
    """Plan, ask, apply; the first time the state then moves into the bucket that was made.

    Args:
        repository: whose workflows may deploy, `owner/name`; empty: what terraform.tfvars or the
            git remote `origin` says.
    """
    ground = _open()
    first = _state_file(ground).exists() or not _bucket_exists(ground)
    with _local_backend(ground) if first else _bucket_backend(ground):
        _apply(ground, _arguments(ground, repository), yes=yes)
        outputs, made = ground.terraform.outputs(), ground.terraform.resources()
    if first:
        _move(ground, made)
    show(settings(outputs))
    return 0


def settings(outputs: Mapping[str, Any]) -> str:
    """What to enter at GitHub, as `outputs` say it, and what to do next."""
    everywhere = {
        "AWS_REGION": outputs["region"],
        "ECR_REGISTRY": outputs["registry"],
        "PLAN_ROLE_ARN": outputs.get("plan_role_arn"),
    }
    places = {"release": {"RELEASE_ROLE_ARN": outputs["push_role_arn"]}}
    for environment, arn in outputs["deploy_role_arns"].items():
        places[environment] = {"DEPLOY_ROLE_ARN": arn}
    lines = ["Enter at GitHub, Settings, Secrets and variables, Actions, Variables:"]
    lines += [f"  {name} = {value}" for name, value in everywhere.items() if value]
    for place, variables in places.items():
        lines.append(f"and at Settings, Environments, {place}, Environment variables:")
        lines += [f"  {name} = {value}" for name, value in variables.items()]
    return "\n".join([*lines, f"Next: make push REGISTRY={outputs['registry']}"])


def _open() -> Ground:
    own = BOOTSTRAP / "terraform.tfvars"
    values = environments.assigned(own.read_text(encoding="utf-8")) if own.is_file() else {}
    account = accounts.connect(environments.region(values.get("region")))
    show(f"bootstrap: account {account.id}, {account.region}, as {account.caller}")
    project = values.get("name", environments.DEFAULT_NAME)
    folder = Ground(account, project, Terraform(BOOTSTRAP, LOCAL)).folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    variables = {**os.environ, "AWS_REGION": account.region}
    return Ground(account, project, Terraform(BOOTSTRAP, folder, variables))


def _apply(ground: Ground, arguments: list[str], *, yes: bool) -> None:
    saved = ground.folder / "plan.tfplan"
    outcome = ground.terraform.plan(saved, *arguments)
    if outcome.status == FAILED:
        raise OperationError("terraform plan failed. What it said stands above.")
    show(f"bootstrap: {planning.summary(ground.terraform.planned(saved))}")
    if outcome.status != CHANGES:
        return
    confirm(f"Apply this to account {ground.account.id}?", yes=yes)
    outcome = ground.terraform.apply(saved)
    saved.unlink(missing_ok=True)
    if outcome.status:
        raise OperationError(
            "terraform apply failed; what it said stands above. What was made is remembered: "
            "run make bootstrap again once the reason is gone."
        )


def _arguments(ground: Ground, repository: str) -> list[str]:
    own = BOOTSTRAP / "terraform.tfvars"
    named = own.is_file() and "repository" in environments.assigned(own.read_text(encoding="utf-8"))
    found = [f"-var=region={ground.account.region}"]
    if repository or not named:
        found.append(f"-var=repository={repository or origin()}")
    if provider := _foreign_provider(ground):
        found.append(f"-var=github_oidc_provider_arn={provider}")
    return found


def origin() -> str:
    """`owner/name` of the git remote `origin` at GitHub.

    Raises:
        OperationError: there is none.
    """
    done = subprocess.run(
        ["git", "remote", "get-url", "origin"],  # noqa: S607 - git is the user's own
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    _, at_github, path = done.stdout.strip().removesuffix(".git").partition("github.com")
    if not at_github:
        raise OperationError(
            "Name the GitHub repository whose workflows may deploy: make bootstrap "
            "REPOSITORY=owner/name"
        )
    return path.lstrip(":/")


def _foreign_provider(ground: Ground) -> str:
    """GitHub's identity provider, if the account has it from elsewhere: there can be only one."""
    if any("aws_iam_openid_connect_provider" in name for name in ground.terraform.resources()):
        return ""
    with translated("list the account's identity providers"):
        found = ground.account.client("iam").list_open_id_connect_providers()
    arns = [str(each["Arn"]) for each in found["OpenIDConnectProviderList"]]
    return next((arn for arn in arns if arn.endswith(f"/{_ISSUER}")), "")


def _bucket_exists(ground: Ground) -> bool:
    from botocore.exceptions import ClientError

    with translated(f"look at the bucket {ground.bucket}"):
        try:
            ground.account.client("s3").head_bucket(Bucket=ground.bucket)
        except ClientError as error:
            if code(error) in ("404", "NoSuchBucket"):
                return False
            raise
    return True


def _state_file(ground: Ground) -> Path:
    return ground.folder / "first-run.tfstate"


@contextmanager
def _local_backend(ground: Ground) -> Iterator[None]:
    """State on this machine, as long as there is no bucket for it ("Override Files")."""
    override = BOOTSTRAP / _OVERRIDE
    path = _state_file(ground)
    override.write_text(f'terraform {{\n  backend "local" {{ path = "{path}" }}\n}}\n')
    try:
        _initialised(ground, None)
        yield
    finally:
        override.unlink()


@contextmanager
def _bucket_backend(ground: Ground) -> Iterator[None]:
    _initialised(ground, ground.backend)
    yield


def _move(ground: Ground, made: list[str]) -> None:
    """The state into the bucket; the copy here goes once the bucket is seen to have it."""
    outcome = ground.terraform.init(ground.backend, migrate=True, quiet=True)
    if outcome.status or ground.terraform.resources() != made:
        raise OperationError(
            f"The state could not be moved to {ground.bucket}; it still lies in "
            f"{_state_file(ground)}. Run make bootstrap again.\n{outcome.output.strip()}"
        )
    for path in ground.folder.glob(f"{_state_file(ground).name}*"):
        path.unlink()
    show(f"bootstrap: the state now lies in {ground.bucket}")


def _initialised(ground: Ground, backend: dict[str, str] | None) -> None:
    show("bootstrap: preparing Terraform")
    outcome = ground.terraform.init(backend, quiet=True)
    if outcome.status:
        raise OperationError(f"terraform init failed:\n{outcome.output.strip()}")
