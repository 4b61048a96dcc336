"""`make outputs`: an environment file with every variable of the Next.js side."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations import private_file, secrets
from operations.account import translated
from operations.deployment import Deployment, open_environment
from operations.environments import Environment
from operations.place import LOCAL
from operations.terraform import show

INPUTS = {
    "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": "Stripe's dashboard, Developers, API keys (pk_…)",
    "GOOGLE_CLIENT_ID": "Google Cloud console, Credentials; only for NextAuth's own Google sign-in",
    "GOOGLE_CLIENT_SECRET": "Google Cloud console, Credentials: the same client's secret",
}
"""What no account of ours knows: taken from this shell, or kept as the file has it."""


_CLIENT = (
    "Cognito's app client; one without a secret is public, and NextAuth's provider then takes "
    '`client: { token_endpoint_auth_method: "none" }`'
)


@dataclass(frozen=True)
class Variable:
    """A line of the file; without a value it is written as a comment."""

    name: str
    value: str | None
    source: str


def run(env: str, path: Path | None = None) -> int:
    """Write the file, readable by its owner alone, and say what is still missing."""
    deployment = open_environment(env)
    target = path or LOCAL / f".env.{env}"
    found = variables(deployment, deployment.outputs(), {**_kept(target), **os.environ})
    private_file.replace(target, render(deployment.environment, found))
    show(f"{target} has the frontend's variables. It holds secrets: never commit it.")
    for variable in found:
        if variable.value is None:
            show(f"  {variable.name} has no value: {variable.source}")
    return 0


def variables(
    deployment: Deployment, outputs: Mapping[str, Any], given: Mapping[str, str]
) -> list[Variable]:
    """All variables in the order of the file; `given` are values of the INPUTS."""
    env = deployment.environment.name
    public: dict[str, str] = outputs["frontend_environment"]
    session = secrets.names(deployment.environment, outputs)[secrets.SESSION]
    held = secrets.read_list(deployment.account, session)
    pool, client = public["COGNITO_USER_POOL_ID"], public["COGNITO_CLIENT_ID"]
    stack = f"the stack {deployment.environment.prefix}"
    found = [
        Variable(
            "NEXT_PUBLIC_API_URL", public["NEXT_PUBLIC_API_URL"], f"{stack}: stage of its API"
        ),
        Variable("NEXTAUTH_URL", public["NEXTAUTH_URL"], f"{stack}: site_url"),
        Variable(
            "NEXTAUTH_SECRET",
            held[0] if held else None,
            f"{session}, its first entry; make secrets ENV={env} sets it",
        ),
        Variable("COGNITO_CLIENT_ID", client, f"{stack}: user_pool_client_id"),
        Variable("COGNITO_CLIENT_SECRET", _client_secret(deployment, pool, client), _CLIENT),
        Variable("COGNITO_ISSUER", public["COGNITO_ISSUER"], f"{stack}: its user pool"),
        Variable("NEXT_PUBLIC_AWS_REGION", public["AWS_REGION"], f"{stack}: its region"),
        Variable("NEXT_PUBLIC_COGNITO_USER_POOL_ID", pool, f"{stack}: user_pool_id"),
        Variable("NEXT_PUBLIC_COGNITO_CLIENT_ID", client, f"{stack}: user_pool_client_id"),
        Variable("NEXT_PUBLIC_COGNITO_DOMAIN", public["COGNITO_DOMAIN"], f"{stack}: sign-in page"),
        *(Variable(name, given.get(name) or None, source) for name, source in INPUTS.items()),
    ]
    named = {variable.name for variable in found}
    return found + [Variable(name, public[name], stack) for name in public if name not in named]


def _client_secret(deployment: Deployment, pool: str, client: str) -> str | None:
    with translated("read the user pool's app client"):
        found = deployment.account.client("cognito-idp").describe_user_pool_client(
            UserPoolId=pool, ClientId=client
        )
    return found["UserPoolClient"].get("ClientSecret") or None


def render(environment: Environment, found: list[Variable]) -> str:
    """The file's text: each variable below a comment that says where it comes from."""
    lines = [f"# The frontend's environment for {environment.prefix}, written by `make outputs`."]
    for variable in found:
        lines += ["", f"# From {variable.source}"]
        if variable.value is None:
            lines.append(f"# {variable.name}=")
        else:
            lines.append(f"{variable.name}={shlex.quote(variable.value)}")
    return "\n".join(lines) + "\n"


def describe(environment: Environment, outputs: Mapping[str, Any]) -> str:
    """What somebody wants to know right after a deployment, secrets left out."""
    shown = {
        "site": outputs["site_url"],
        "API": outputs["api_url"],
        "table": outputs["table_name"],
        "user pool": outputs["user_pool_id"],
        "dashboard": outputs["dashboard_name"],
    }
    lines = [f"  {name:<10} {value}" for name, value in shown.items()]
    env = environment.name
    return "\n".join([*lines, f"  The frontend's variables: make outputs ENV={env}"])


def _kept(path: Path) -> dict[str, str]:
    """Values of INPUTS that an earlier file has."""
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name in INPUTS:
            found[name] = "".join(shlex.split(value))
    return found
