"""The one description of a local stack: names, ports and credentials."""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
STARTING = "Groundwork is still starting"
"""What `GET /_local/endpoints` says until it has an answer."""

_USUAL_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")

OWN_AGENT = "groundwork-local-cloud"
"""In the user agent of what the local cloud itself asks of local AWS, which no fault strikes."""


@dataclass(frozen=True)
class StackConfig:
    """What all parts of one local stack agree on.

    The credentials are made up and only open local stand-ins. Ports are loopback TCP ports;
    `control_port` serves the Lambda Invoke API (`POST /2015-03-31/functions/<name>/invocations`)
    on which local AWS calls triggers.
    """

    gateway_port: int
    aws_port: int
    stripe_port: int
    bedrock_port: int
    control_port: int
    state_dir: Path
    region: str = "us-east-1"
    account_id: str = "123456789012"
    access_key_id: str = "AKIAGROUNDWORKLOCAL0"
    secret_access_key: str = "groundwork-local-secret-access-key"
    table_name: str = "groundwork-local"
    uploads_bucket: str = "groundwork-local-uploads"
    nextauth_secret: str = field(
        default_factory=lambda: (
            os.environ.get("NEXTAUTH_SECRET") or "groundwork-local-nextauth-secret"
        )
    )
    stripe_secret_key: str = "sk_test_groundworklocal"
    webhook_secret: str = "whsec_groundworklocal"
    session_secret_name: str = "/groundwork/local/session-secrets"
    stripe_secret_name: str = "/groundwork/local/stripe-secret-key"
    webhook_secret_name: str = "/groundwork/local/stripe-webhook-secrets"
    frontend_url: str | None = field(default_factory=lambda: os.environ.get("FRONTEND_URL") or None)

    allow_user_header: bool = False
    """The gateway turns `x-user-id` into a session cookie (`dev --allow-user-header`)."""

    stripe_unseeded: bool = False
    """Local Stripe begins as a new account does: no products, no portal, no webhook endpoint."""

    machine_name: str = ""
    """How this machine is called from inside a container, where `localhost` is the container."""

    one_port: bool = False
    """Only the gateway's port can be reached from outside; it hands `/_local/<part>` to a part."""

    service_names: tuple[str, ...] = ()
    """Further names by which the gateway is reached: those of Compose's services, in Compose."""

    webhooks_anywhere: bool = False
    """Local Stripe also sends events to other machines (`dev --webhooks-anywhere`)."""

    gateway_host: str = HOST
    """Address that the gateway listens on; every other part listens on loopback."""

    applied: str = ""
    """Name of the HTTP API that Terraform made in local AWS and the gateway serves, with all that
    hangs on it; empty: the gateway serves this repository and provisions local AWS itself."""

    emulators: dict[str, str] = field(default_factory=dict, hash=False)
    """`host:port` of the emulator that runs each function's container; empty: processes."""

    emulator_concurrency: int = 0
    """Calls that an emulator takes at once (its container's `AWS_LAMBDA_MAX_CONCURRENCY`)."""

    @property
    def clock_file(self) -> Path:
        """Where the stack's moved time is kept (`localcloud.clock`)."""
        return self.state_dir / "clock"

    @property
    def site_url(self) -> str:
        """Address of the site as a browser types it; the API lies under `/backend`."""
        return f"http://localhost:{self.gateway_port}"

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """`host:port` under which the gateway is known on this machine."""
        return (f"localhost:{self.gateway_port}", f"{HOST}:{self.gateway_port}")

    @property
    def site_origins(self) -> list[str]:
        """Origins from which a browser may change state: the site by both names, the frontend."""
        origins = [f"http://{host}" for host in self.own_hosts]
        if self.frontend_url:
            origins.append(origin_of(self.frontend_url))
        return list(dict.fromkeys(origins))

    @property
    def frontend_address(self) -> str | None:
        """Where the gateway finds the frontend; browsers and origins know it by `frontend_url`."""
        parts = urlsplit(self.frontend_url or "")
        if self.machine_name and parts.hostname in ("localhost", HOST):
            port = f":{parts.port}" if parts.port else ""
            return parts._replace(netloc=f"{self.machine_name}{port}").geturl()
        return self.frontend_url

    @property
    def aws_url(self) -> str:
        return f"http://{HOST}:{self.aws_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://{HOST}:{self.stripe_port}"

    @property
    def bedrock_url(self) -> str:
        return f"http://{HOST}:{self.bedrock_port}"

    @property
    def control_url(self) -> str:
        return f"http://{HOST}:{self.control_port}"

    @property
    def aws_public_url(self) -> str:
        """Local AWS as seen from outside: for presigned addresses, issuers and SDKs.

        Named by its IP, so that S3 clients put the bucket into the path and not into a host name.
        """
        return self._public(HOST, "aws", self.aws_url)

    @property
    def stripe_public_url(self) -> str:
        """Local Stripe as a browser reaches it."""
        return self._public("localhost", "stripe", self.stripe_url)

    @property
    def bedrock_public_url(self) -> str:
        return self._public(HOST, "bedrock", self.bedrock_url)

    @property
    def control_public_url(self) -> str:
        return self._public(HOST, "lambda", self.control_url)

    def _public(self, host: str, part: str, direct: str) -> str:
        return f"http://{host}:{self.gateway_port}/_local/{part}" if self.one_port else direct

    @property
    def webhook_url(self) -> str:
        """Where local Stripe delivers events: through the gateway, as in production."""
        return f"http://{HOST}:{self.gateway_port}/backend/stripe/webhook"

    @property
    def cognito_url(self) -> str:
        """Below it lies the issuer of every user pool.

        Local AWS's own address, so that a frontend's sign-in finds it; what Terraform applied
        computes the issuer as AWS would, and its functions expect that one.
        """
        if self.applied:
            return f"https://cognito-idp.{self.region}.amazonaws.com"
        return self.aws_public_url

    def function_arn(self, name: str) -> str:
        """The ARN of a function, without version or alias."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{name}"

    def to_json(self) -> str:
        """Serialise for a child process; `from_json` reads it back."""
        return json.dumps({**self.__dict__, "state_dir": str(self.state_dir)})

    @classmethod
    def from_json(cls, text: str) -> "StackConfig":
        values: dict[str, Any] = json.loads(text)
        values["state_dir"] = Path(values["state_dir"])
        return cls(**{**values, "service_names": tuple(values["service_names"])})

    def aws_environment(self) -> dict[str, str]:
        """Variables that point any AWS SDK or the Terraform provider at local AWS."""
        # What is presigned is for a browser, which reaches one port only.
        presigned = {"AWS_ENDPOINT_URL_S3": self.aws_public_url} if self.one_port else {}
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            **presigned,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.bedrock_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def origin_of(address: str) -> str:
    """The origin of a site as a browser writes it. Raises ValueError for what is no web address."""
    parts = urlsplit(address)
    usual, host = _USUAL_PORTS.get(parts.scheme), parts.hostname or ""
    if (
        usual is None
        or "@" in parts.netloc
        or not _HOST.fullmatch(host)
        or re.search(r"\s", address)
    ):
        raise ValueError(address)
    name = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}"


def functions() -> dict[str, dict[str, Any]]:
    """`images/functions.json`: by name image, command, timeout (s), memory (MB), environment."""
    loaded: dict[str, dict[str, Any]] = json.loads((ROOT / "images" / "functions.json").read_text())
    return loaded
