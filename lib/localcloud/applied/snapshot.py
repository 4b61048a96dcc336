"""All that the gateway serves, read at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.gateway.sessions import SessionCookie
from saas.secret_entries import usable

from .api import AppliedApi, read_api
from .control_plane import ControlPlane
from .deployed import Deployed, read_functions
from .schedules import Schedule, read_schedules

ENDPOINTS = {
    "tableName": "TABLE_NAME",
    "uploadsBucket": "UPLOADS_BUCKET",
    "userPoolClientId": "COGNITO_CLIENT_ID",
    "issuer": "COGNITO_ISSUER",
}
"""What clients of the stack are told, and the variable of the functions that it comes from."""


@dataclass(frozen=True)
class Snapshot:
    """An applied stack. `functions` by ARN, `schedules` by name."""

    api: AppliedApi
    functions: Mapping[str, Deployed] = field(hash=False)
    schedules: Mapping[str, Schedule] = field(hash=False)
    session_cookie: SessionCookie | None

    def endpoints(self) -> dict[str, str]:
        """Names of the stack as its functions know them; empty where none knows."""
        found = {key: self.variable(name) for key, name in ENDPOINTS.items()}
        return {**found, "userPoolId": found["issuer"].rpartition("/")[2]}

    def variable(self, name: str) -> str:
        return _variable(self.functions, name)


def read(plane: ControlPlane, name: str) -> Snapshot:
    """The stack whose HTTP API has this name; its functions' names begin with it.

    Raises:
        NotAppliedError: there is no such API.
    """
    api = read_api(plane, name)
    schedules = read_schedules(plane, f"{name}-")
    called = {each.function_arn for each in api.integrations.values() if not each.problem}
    called |= {schedule.function_arn for schedule in schedules.values()}
    functions = read_functions(plane, f"{name}-", called)
    return Snapshot(api, functions, schedules, _session_cookie(plane, functions))


def _variable(functions: Mapping[str, Deployed], name: str) -> str:
    found = (each.environment.get(name, "") for each in functions.values())
    return next(filter(None, found), "")


def _session_cookie(plane: ControlPlane, functions: Mapping[str, Deployed]) -> SessionCookie | None:
    """The cookie that the functions accept, sealed with the newest secret that opens it."""
    names, secret = (
        _variable(functions, name) for name in ("SESSION_COOKIE_NAMES", "SESSION_SECRET_NAME")
    )
    if not names or not secret:
        return None
    local = _variable(functions, "APP_ENV") in ("", "local")
    held = usable(_secret(plane, secret), local=local)
    return SessionCookie(held[0], names.split(",")[0].strip()) if held else None


def _secret(plane: ControlPlane, name: str) -> str:
    """The value under a name that functions know (as `saas.secrets` finds it); empty without."""
    if name.startswith("/"):
        ssm = plane.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return ""
    secrets = plane.client("secretsmanager")
    try:
        return str(secrets.get_secret_value(SecretId=name)["SecretString"])
    except secrets.exceptions.ResourceNotFoundException:
        return ""
