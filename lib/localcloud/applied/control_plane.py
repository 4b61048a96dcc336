"""Local AWS as an administrator sees it: SDK clients, and credentials of the roles in it."""

import functools
import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.error import HTTPError

from localcloud.aws.iam.policy import Access
from localcloud.config import OWN_AGENT, StackConfig

_NOT_IN_SESSION_NAMES = re.compile(r"[^\w+=,.@-]")
RENEW_SECONDS = 900
"""A role's credentials are replaced when they live no longer than this."""


class NotTrustedError(Exception):
    """A role cannot be assumed by a service; the text is local AWS's."""


@dataclass(frozen=True)
class Credentials:
    """A role's credentials as the SDKs' variables; `expires` in Unix seconds."""

    variables: Mapping[str, str]
    expires: float

    @property
    def is_fresh(self) -> bool:
        return self.expires - time.time() > RENEW_SECONDS


class ControlPlane:
    """Clients of local AWS with the stack's own credentials, which may do anything there."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._assumed: dict[tuple[str, str, str], Credentials] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The SDK's client of a service; safe to use from several threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def client_of(self, credentials: Credentials, service: str) -> Any:
        """A client with the credentials of a role."""
        with self._lock:
            return self._make(
                service,
                aws_access_key_id=credentials.variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=credentials.variables["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=credentials.variables["AWS_SESSION_TOKEN"],
            )

    def pages(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """All entries of a paginated list."""
        paginator = self.client(service).get_paginator(operation)
        for page in paginator.paginate(**arguments):
            yield from page.get(key, ())

    def assume(self, role_arn: str, service: str, source_arn: str) -> Credentials:
        """Credentials of a role for a service that acts for `source_arn`; kept until they age.

        Raises:
            NotTrustedError: there is no such role, or it does not trust the service.
        """
        key = (role_arn, service, source_arn)
        if key not in self._assumed or not self._assumed[key].is_fresh:
            self._assumed[key] = self._assume(role_arn, service, source_arn)
        return self._assumed[key]

    @property
    def has_fresh_credentials(self) -> bool:
        """Whether no role has to be assumed again before long."""
        return all(credentials.is_fresh for credentials in list(self._assumed.values()))

    def may(self, credentials: Credentials, access: Access) -> bool:
        """Whether a role's policies allow this; local AWS records the question as a call."""
        context = {name: list(values) for name, values in access.context.items()}
        needed = [{"action": access.action, "resource": access.resource, "context": context}]
        body = {
            "access_key_id": credentials.variables["AWS_ACCESS_KEY_ID"],
            "session_token": credentials.variables["AWS_SESSION_TOKEN"],
            "needed": needed,
        }
        return bool(self._ask("authorise", body)["allowed"])

    def forget_credentials(self) -> None:
        """Local AWS has begun anew and knows none of them."""
        self._assumed.clear()

    def _assume(self, role_arn: str, service: str, source_arn: str) -> Credentials:
        body = {
            "role_arn": role_arn,
            "service": service,
            "session_name": _NOT_IN_SESSION_NAMES.sub("-", source_arn.rpartition(":")[2])[-64:],
            "source_arn": source_arn,
        }
        found = self._ask("assume", body)
        variables = {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }
        return Credentials(variables, datetime.fromisoformat(found["Expiration"]).timestamp())

    def _ask(self, question: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask local AWS's authoriser. Raises NotTrustedError with its sentence."""
        request = urllib.request.Request(  # noqa: S310 - an address of ours
            f"{self.config.aws_url}/_local/{question}", json.dumps(body).encode()
        )
        try:
            with _OPENER.open(request, timeout=20) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            with error:
                raise NotTrustedError(json.load(error)["message"]) from error

    def _make(self, service: str, **credentials: str) -> Any:
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.Session()
        config = self.config
        own = {
            "aws_access_key_id": config.access_key_id,
            "aws_secret_access_key": config.secret_access_key,
        }
        return self._session.client(
            service,
            endpoint_url=config.aws_url,
            region_name=config.region,
            config=Config(
                retries={"total_max_attempts": 2}, read_timeout=20, user_agent_extra=OWN_AGENT
            ),
            **(credentials or own),
        )


# No proxy of the developer's shell may stand between the parts.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@functools.lru_cache(maxsize=1024)
def service_of(arn: str) -> str:
    """The principal of the service that a resource belongs to, such as `cognito-idp…`."""
    return f"{arn.split(':')[2]}.amazonaws.com"
