"""An environment opened for work: who we are in AWS, and Terraform with its state at hand."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations import account as accounts
from operations import environments
from operations.account import Account, code, translated
from operations.environments import PRODUCTION, Environment
from operations.errors import OperationError
from operations.place import APP
from operations.terraform import Outcome, Say, Terraform, show

_LOCK = re.compile(r"^[│ ]*(ID|Operation|Who|Created):\s+(.+?)\s*$", re.M)


class LockHeld(OperationError):
    """Somebody else works on the environment; nothing was done."""


@dataclass(frozen=True)
class Deployment:
    """An environment, the account it lies in, and an initialised Terraform."""

    environment: Environment
    account: Account
    terraform: Terraform

    @property
    def bucket(self) -> str:
        return self.environment.state_bucket(self.account.id)

    @property
    def folder(self) -> Path:
        """Where files of this environment are kept on this machine."""
        return self.environment.data_dir

    def outputs(self) -> dict[str, Any]:
        """What the applied stack says about itself.

        Raises:
            OperationError: nothing was ever applied.
        """
        found = self.terraform.outputs()
        if not found:
            name = self.environment.name
            raise OperationError(f"Nothing is deployed to {name} yet: make deploy ENV={name}")
        return found


def open_environment(name: str, say: Say = show) -> Deployment:
    """Find the environment, see who we are, and initialise Terraform with its state.

    Raises:
        OperationError: unknown environment, no credentials, no state bucket, Terraform failed.
    """
    environment = environments.find(name)
    account = accounts.connect(environment.region)
    say(f"{name}: account {account.id}, {account.region}, as {account.caller}")
    variables = {**os.environ, "AWS_REGION": account.region}
    deployment = Deployment(
        environment, account, Terraform(APP, environment.data_dir, variables, show)
    )
    _check_bucket(deployment)
    say(f"{name}: preparing Terraform")
    outcome = deployment.terraform.init(
        {
            "bucket": deployment.bucket,
            "key": environment.state_key,
            "region": account.region,
            "encrypt": "true",
            "use_lockfile": "true",
        },
        quiet=True,
    )
    if outcome.status:
        raise OperationError(f"terraform init failed:\n{outcome.output.strip()}")
    return deployment


def _check_bucket(deployment: Deployment) -> None:
    from botocore.exceptions import ClientError

    with translated(f"look at the state bucket {deployment.bucket}"):
        try:
            deployment.account.client("s3").head_bucket(Bucket=deployment.bucket)
        except ClientError as error:
            if code(error) in ("404", "NoSuchBucket"):
                raise OperationError(
                    f"The state bucket {deployment.bucket} does not exist. Once per account and "
                    "region, before anything is deployed: make bootstrap"
                ) from error
            if code(error) == "403":
                raise OperationError(
                    f"{deployment.account.caller} may not use the state bucket "
                    f"{deployment.bucket}. Take the environment's deploy role, or check that these "
                    "are the credentials of the right account."
                ) from error
            raise


def check(outcome: Outcome, what: str, environment: Environment) -> None:
    """See that a Terraform command did not fail; its own words were printed.

    Raises:
        LockHeld: somebody else is at work.
        OperationError: anything else.
    """
    if outcome.status == 1:
        held = lock_holder(outcome.output, environment)
        if held:
            raise LockHeld(held)
        if "Saved plan is stale" in outcome.output:
            name = environment.name
            raise LockHeld(f"Somebody else changed {name} after this was planned. Plan it again.")
        raise OperationError(f"terraform {what} failed. What it said stands above.")


def lock_holder(output: str, environment: Environment) -> str | None:
    """A sentence about who holds the state's lock, if that is why a command failed."""
    if "Error acquiring the state lock" not in output:
        return None
    found = dict(_LOCK.findall(output))
    operation = found.get("Operation", "").removeprefix("OperationType").lower() or "command"
    name = environment.name
    return (
        f"Another {operation} of {name} is running: {found.get('Who', 'somebody')} holds the lock "
        f"since {found.get('Created', 'an unknown time')}. Wait until it has ended. If it was "
        f"killed, free the lock: make unlock ENV={name} ID={found.get('ID', '…')}"
    )


def unlock(env: str, lock_id: str) -> int:
    """Free the lock that a killed command left behind."""
    deployment = open_environment(env)
    if not lock_id:
        raise OperationError(
            f"Name the lock by the id that the refused command printed: make unlock ENV={env} ID=…"
        )
    outcome = deployment.terraform.run("force-unlock", "-force", lock_id)
    check(outcome, "force-unlock", deployment.environment)
    return 0


def confirm(question: str, *, yes: bool) -> None:
    """Ask for a yes, unless it was given. `CI` in an environment is none: containers set it too.

    Raises:
        OperationError: the answer was no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise OperationError("Nobody can be asked here. Say so beforehand: YES=1")
    if input(f"{question} Type yes to go on: ").strip().lower() != "yes":
        raise OperationError("Stopped. Nothing was changed.")


def is_production(environment: Environment) -> bool:
    """Whether mistakes here are felt by customers."""
    return environment.name == PRODUCTION
