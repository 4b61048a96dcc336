"""`make doctor`: reads the accounts and says in plain words what will fail, and what to do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from operations import account as accounts
from operations import deployment as deployments
from operations import environments
from operations.doctor import aws, bedrock, configuration, payments, site
from operations.doctor.subject import Subject
from operations.errors import OperationError
from operations.findings import Finding, ok, problem, problems, warning
from operations.terraform import show

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    aws.check,
    bedrock.check,
    configuration.check,
    payments.check,
    site.check,
)


def run(env: str, *, as_json: bool = False) -> int:
    """Print one line a check as it is found, or all of them as JSON; exit status 1 on problems."""
    environments.find(env)
    found = []
    for finding in examine(env):
        found.append(finding)
        if not as_json:
            show(str(finding))
    failed = problems(found)
    if as_json:
        show(json.dumps([finding.as_json() for finding in found], indent=2, ensure_ascii=False))
    else:
        rest = sum(finding.state == "warning" for finding in found)
        show(f"{env}: {len(found)} checks, {len(failed)} problems, {rest} warnings.")
    return 1 if failed else 0


def examine(env: str) -> Iterator[Finding]:
    """Everything that can be looked at, whether or not anything is deployed yet."""
    environment = environments.find(env)
    try:
        account = accounts.connect(environment.region)
    except OperationError as error:
        yield problem("AWS credentials", str(error))
        return
    yield ok("AWS credentials", f"{account.caller} in {account.id}, {account.region}")
    outputs: dict[str, Any] = {}
    try:
        outputs = deployments.open_environment(env, say=_silent).terraform.outputs()
        yield _deployed(env, outputs)
    except OperationError as error:
        yield problem("deployment", str(error))
    subject = Subject(environment, account, outputs)
    for check in CHECKS:
        yield from check(subject)


def _silent(_line: str) -> None:
    """In JSON, nothing else may be printed; in text, findings say it all."""


def _deployed(env: str, outputs: dict[str, Any]) -> Finding:
    if not outputs:
        return warning("deployment", "nothing is deployed yet", f"make deploy ENV={env}")
    revisions = sorted({each["revision"][:12] for each in outputs["functions"].values()})
    return ok("deployment", f"{len(outputs['functions'])} functions of {', '.join(revisions)}")
