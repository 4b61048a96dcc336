"""The environments that can be deployed: one `terraform/app/envs/<name>.tfvars` each."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from operations.errors import OperationError
from operations.place import APP, LOCAL

PRODUCTION = "prod"
DEFAULT_NAME, DEFAULT_REGION = "groundwork", "us-east-1"  # as terraform/app/variables.tf has them
_ASSIGNMENT = re.compile(r'^[ \t]*(\w+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*")[ \t]*(?:#.*|//.*)?$', re.M)


@dataclass(frozen=True)
class Environment:
    """One deployed copy of everything, named `<project>-<name>` throughout the account."""

    name: str
    project: str
    region: str
    variables: Path
    """Its `.tfvars` file."""

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.name}"

    @property
    def data_dir(self) -> Path:
        """Terraform's own folder for it."""
        return LOCAL / "terraform" / self.name

    def state_bucket(self, account_id: str) -> str:
        """The bucket that `make bootstrap` creates, one per account and region."""
        return state_bucket(self.project, account_id, self.region)

    @property
    def state_key(self) -> str:
        return f"{self.name}/app.tfstate"


def state_bucket(project: str, account_id: str, region: str) -> str:
    """As terraform/bootstrap names it."""
    return f"{project}-tfstate-{account_id}-{region}"


def names(folder: Path = APP / "envs") -> list[str]:
    """All environments, production last."""
    found = sorted(path.stem for path in folder.glob("*.tfvars"))
    return sorted(found, key=lambda name: name == PRODUCTION)


def find(name: str, folder: Path = APP / "envs") -> Environment:
    """The environment of that name.

    Project and region are what its file says; see `region` for one that it leaves open.

    Raises:
        OperationError: there is no such environment.
    """
    known = names(folder)
    if name not in known:
        listed = ", ".join(known) or f"none: {folder} holds no .tfvars file"
        asked = f"There is no environment '{name}'" if name else "No environment was named (ENV=…)"
        raise OperationError(f"{asked}. There are: {listed}.")
    path = folder / f"{name}.tfvars"
    values = assigned(path.read_text(encoding="utf-8"))
    project = values.get("name", DEFAULT_NAME)
    return Environment(name, project, region(values.get("region")), path)


def assigned(text: str) -> dict[str, str]:
    """The plain string assignments of a `.tfvars` file; anything else in it is left alone."""
    return {name: str(json.loads(value)) for name, value in _ASSIGNMENT.findall(text)}


def region(chosen: str | None = None) -> str:
    """`chosen`, or what AWS's own variables or configuration name, or Terraform's default.

    Raises:
        OperationError: `AWS_PROFILE` names a profile that there is not.
    """
    import botocore.exceptions
    import botocore.session

    named = chosen or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not named:
        try:
            named = botocore.session.Session().get_config_variable("region")
        except botocore.exceptions.ProfileNotFound as error:
            raise OperationError(f"{error}. See `aws configure list-profiles`.") from error
    return str(named or DEFAULT_REGION)
