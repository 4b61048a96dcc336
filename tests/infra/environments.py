"""Where the plans of dev, staging and prod differ; `environments.json` holds it for review.

`python -m tests.infra.environments` writes the file anew after a change that is meant.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.stack import PARTS, Stack
from operations.terraform import FAILED, Terraform
from tests.infra.clone import Clone
from tests.infra.images import IMAGES, release

SNAPSHOT = Path(__file__).with_suffix(".json")
ENVIRONMENTS = ("dev", "staging", "prod")
RENEW = "python -m tests.infra.environments"

Values = dict[str, Any]
"""Planned values of a resource, as far as they are known before an apply."""


def planned() -> dict[str, dict[str, Values]]:
    """By environment and address: what an empty account would get."""
    with tempfile.TemporaryDirectory() as folder, _local_aws(Path(folder)) as stack:
        clone = Clone.made(Path(folder) / "clone", stack.config)
        images = clone.folder / "images.json"
        images.write_text(json.dumps(release(dict.fromkeys(IMAGES, "1"))))
        root = clone.folder / "terraform" / "app"
        # Nothing is kept: a plan of an empty account needs no state.
        (root / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        terraform = Terraform(root, Path(folder) / "data", clone.environment(), say=None)
        assert terraform.init().status == 0
        return {env: _plan(terraform, env, images) for env in ENVIRONMENTS}


def differences(plans: dict[str, dict[str, Values]]) -> dict[str, Any]:
    """By address and path: the values of the environments, where they are not all the same.

    A resource that only some of them have is listed with those that have it.
    """
    found: dict[str, Any] = {}
    for address in sorted({address for plan in plans.values() for address in plan}):
        having = [env for env in plans if address in plans[env]]
        if having != list(plans):
            found[address] = {"only in": having}
        elif rows := dict(_rows({env: plan[address] for env, plan in plans.items()}, "")):
            found[address] = rows
    return found


def _rows(values: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Paths below `path` at which the values of the environments are not all the same."""
    each = list(values.values())
    if all(value == each[0] for value in each):
        return
    if all(isinstance(value, dict) for value in each):
        for key in sorted({key for value in each for key in value}):
            below = {env: value.get(key) for env, value in values.items()}
            yield from _rows(below, f"{path}.{key}" if path else key)
    elif all(isinstance(value, list) and len(value) == len(each[0]) for value in each):
        for index in range(len(each[0])):
            below = {env: value[index] for env, value in values.items()}
            yield from _rows(below, f"{path}[{index}]")
    else:
        yield path, values


def _plan(terraform: Terraform, env: str, images: Path) -> dict[str, Values]:
    saved = terraform.data_dir / f"{env}.tfplan"
    outcome = terraform.plan(saved, f"-var-file=envs/{env}.tfvars", f"-var=images_file={images}")
    assert outcome.status != FAILED, outcome.output
    document = terraform.planned(saved)
    return {
        resource["address"]: _neutral(resource.get("values", {}), env)
        for resource in _resources(document["planned_values"]["root_module"])
    }


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _neutral(value: Any, env: str) -> Any:
    """A value in which the environment's own name is `<env>`; JSON in a text is read."""
    match value:
        case dict():
            return {key: _neutral(each, env) for key, each in value.items()}
        case list():
            return [_neutral(each, env) for each in value]
        case str() if value[:1] in ("{", "["):
            return _neutral(json.loads(value), env)
        case str():
            return _named(value, env)
    return value


def _named(text: str, env: str) -> str:
    return re.sub(rf"(?<![a-z0-9]){env}(?![a-z0-9])", "<env>", text)


@contextmanager
def _local_aws(folder: Path) -> Iterator[Stack]:
    with Stack(port=0, state_dir=folder / "state", parts={"aws": PARTS["aws"]}) as stack:
        yield stack


def text_of(found: dict[str, Any]) -> str:
    return f"{json.dumps(found, indent=2)}\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text_of(differences(planned())))
