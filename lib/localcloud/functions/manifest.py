"""Which functions exist and what environment each of them gets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.config import ROOT, StackConfig

SESSION_COOKIE_NAMES = "next-auth.session-token,authjs.session-token"


@dataclass(frozen=True)
class FunctionSpec:
    """One entry of `images/functions.json`. `timeout` in seconds, `memory` in MB.

    `schedule` is an EventBridge expression; `trigger` says which service calls the function by
    itself (`cognito-post-confirmation`), so that it has to exist before that service's part.
    """

    name: str
    image: str
    command: str
    timeout: float
    memory: int
    environment: tuple[str, ...] = ()
    default: bool = False
    schedule: str | None = None
    trigger: str | None = None

    @classmethod
    def parse(cls, name: str, entry: dict[str, Any]) -> "FunctionSpec":
        return cls(
            name=name,
            image=entry["image"],
            command=entry["command"],
            timeout=entry["timeout"],
            memory=entry["memory"],
            environment=tuple(entry.get("environment", ())),
            default=bool(entry.get("default")),
            schedule=entry.get("schedule"),
            trigger=entry.get("trigger"),
        )


@dataclass(frozen=True)
class CodePaths:
    """Where function code lies: `imports` become PYTHONPATH, `root` is the working directory."""

    imports: tuple[Path, ...] = (ROOT / "lib", ROOT / "images")
    root: Path = ROOT / "images"
    watched: tuple[Path, ...] = (ROOT / "lib" / "saas", ROOT / "images")


def parse_manifest(manifest: dict[str, dict[str, Any]]) -> dict[str, FunctionSpec]:
    """The specs of a function manifest by function name."""
    return {name: FunctionSpec.parse(name, entry) for name, entry in manifest.items()}


def environment_table(config: StackConfig, *, issuer: str, client_id: str) -> dict[str, str]:
    """Every variable a manifest may name, with its local value (Terraform's outputs in AWS)."""
    return {
        "APP_ENV": "local",
        "APP_VERSION": "local",
        "IMAGE_DIGEST": "",
        "TABLE_NAME": config.table_name,
        "ALLOWED_ORIGINS": ",".join(config.site_origins),
        "SESSION_COOKIE_NAMES": SESSION_COOKIE_NAMES,
        "SESSION_SECRET_NAME": config.session_secret_name,
        "COGNITO_ISSUER": issuer,
        "COGNITO_CLIENT_ID": client_id,
        "SITE_URL": config.site_url,
        "STRIPE_API_BASE": config.stripe_url,
        "STRIPE_SECRET_NAME": config.stripe_secret_name,
        "STRIPE_WEBHOOK_SECRET_NAME": config.webhook_secret_name,
        "PRICE_KEYS": "",
        "UPLOADS_BUCKET": config.uploads_bucket,
    }
