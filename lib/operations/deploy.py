"""`make plan`, `deploy`, `rollback` and `drift`: from images.json to a checked stack."""

import json
from pathlib import Path
from typing import Any

from operations import planning, releases, smoke
from operations.deployment import Deployment, LockHeld, confirm, open_environment
from operations.errors import OperationError
from operations.outputs import describe
from operations.terraform import show

DEPLOYED = "deployed"
"""Instead of a file: the images that run in the environment now."""


def plan(env: str, images: str) -> int:
    """Show what a deployment would change."""
    deployment = open_environment(env)
    planning.make(deployment, images_of(deployment, images))
    show(f"Nothing was changed. To apply: make deploy ENV={env}")
    return 0


def drift(env: str) -> int:
    """Exit status 2 when the account is not as Terraform left it, or the code has gone on."""
    deployment = open_environment(env)
    found = planning.make(deployment, images_of(deployment, DEPLOYED))
    if found.changes:
        show(
            f"{env} differs from the code: see the plan above. "
            f"To bring it in line: make deploy ENV={env}"
        )
    return 2 if found.changes else 0


def deploy(env: str, images: str, *, yes: bool, url: str = "") -> int:
    """Plan, ask, apply that plan, remember the release, check the result."""
    deployment = open_environment(env)
    path = images_of(deployment, images)
    made = planning.make(deployment, path)
    _apply(deployment, made, f"Apply this plan to {env}", yes=yes, images=path)
    return _finish(deployment, url)


def rollback(env: str, wanted: str, *, yes: bool, url: str = "") -> int:
    """Bring back the images of an earlier release; the infrastructure stays as the code has it."""
    deployment = open_environment(env)
    known = releases.newest(deployment)
    show(f"Releases of {env}, newest first:\n{releases.listed(known) or '  (none)'}")
    target = releases.previous(known, wanted)
    show(f"{env}: back to {target.id}")
    path = _written(deployment, target.images)
    made = planning.make(deployment, path)
    restores = target.restores or target.id
    _apply(deployment, made, f"Roll {env} back to it", yes=yes, images=path, restores=restores)
    return _finish(deployment, url)


def _apply(
    deployment: Deployment,
    made: planning.Plan,
    question: str,
    *,
    yes: bool,
    images: Path,
    restores: str = "",
) -> None:
    """Apply after a yes; what was at least begun is a release that one can roll back from."""
    env = deployment.environment.name
    if made.changes:
        confirm(f"{question} (account {deployment.account.id})?", yes=yes)
        try:
            planning.apply(deployment, made)
        except LockHeld:
            raise
        except (OperationError, KeyboardInterrupt):
            _record(deployment, images, restores)
            show(f"{env}: only a part was applied. make deploy again, or make rollback ENV={env}")
            raise
    _record(deployment, images, restores)


def _record(deployment: Deployment, images: Path, restores: str) -> None:
    content = json.loads(images.read_text(encoding="utf-8"))
    known = releases.newest(deployment, 1)
    if not known or known[-1].digests != releases.digests(content):
        release = releases.record(deployment, content, restores)
        show(f"{deployment.environment.name}: released {release.id}")


def _finish(deployment: Deployment, url: str) -> int:
    outputs = deployment.outputs()
    show(describe(deployment.environment, outputs))
    return smoke.check(deployment, outputs, url)


def images_of(deployment: Deployment, named: str) -> Path:
    """The file to deploy: `named`, or what was released last."""
    if named != DEPLOYED:
        path = Path(named).resolve()
        releases.load(path, _registry(deployment))
        return path
    known = releases.newest(deployment, 1)
    if not known:
        name = deployment.environment.name
        raise OperationError(f"Nothing was ever released to {name}: make deploy ENV={name}")
    return _written(deployment, known[-1].images)


def _written(deployment: Deployment, images: dict[str, Any]) -> Path:
    deployment.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = deployment.folder / "images.json"
    path.write_text(json.dumps(images, indent=2), encoding="utf-8")
    return path


def _registry(deployment: Deployment) -> str:
    account = deployment.account
    host = f"{account.id}.dkr.ecr.{account.region}.amazonaws.com"
    return f"{host}/{deployment.environment.project}"
