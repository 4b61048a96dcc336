"""A signed request as its service sees it: operation, parameters, and who signed."""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from localcloud.aws.iam.callers import Caller
from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.policy import Access

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[0-9]+/([^/,\s]+)/")
QUERY_CREDENTIAL = re.compile(r"X-Amz-Credential=([^&]+)", re.IGNORECASE)


class Unmapped(Exception):
    """A call whose action and resources are not known here: a role's credentials cannot make it."""


@dataclass(frozen=True)
class Credential:
    """What a request says about its signer: the key id and the region of the signature."""

    access_key_id: str
    region: str


def credential_of(environ: Mapping[str, Any]) -> Credential | None:
    """From the Authorization header or a presigned query; None: the request is not signed."""
    match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match:
        return Credential(*match.groups())
    query = QUERY_CREDENTIAL.findall(environ["QUERY_STRING"])
    parts = unquote(query[-1]).split("/") if query else []
    return Credential(parts[0], parts[2]) if len(parts) == 5 else None


@dataclass(frozen=True)
class Call:
    """One request of a caller; parameters are read once, when first looked at."""

    service: str
    region: str
    caller: Caller
    environ: Mapping[str, Any]

    @property
    def account_id(self) -> str:
        return self.caller.account_id

    @functools.cached_property
    def operation(self) -> str:
        """Its name in the JSON and the query protocols; empty where paths decide."""
        if target := self.environ.get("HTTP_X_AMZ_TARGET"):
            return str(target).rpartition(".")[2]
        return str(self.parameters.get("Action", ""))

    @functools.cached_property
    def parameters(self) -> dict[str, Any]:
        """The JSON body, or the fields of a query call."""
        body: bytes = self.environ["groundwork.body"]
        if "HTTP_X_AMZ_TARGET" in self.environ:
            loaded: dict[str, Any] = json.loads(body)
            return loaded
        fields = parse_qs(body.decode()) or parse_qs(self.environ["QUERY_STRING"])
        return {name: values[0] for name, values in fields.items()}

    def access(
        self, name: str, resource: str, context: Context | None = None, service: str = ""
    ) -> Access:
        """An action of this (or another) service on a resource."""
        action = f"{service or self.service}:{name}"
        given = {**self.caller.context, "aws:requestedregion": (self.region,)}
        return Access(action, resource, {**given, **(context or {})})

    def arn(self, resource: str, service: str = "") -> str:
        """An ARN in the caller's account and the request's region."""
        return f"arn:aws:{service or self.service}:{self.region}:{self.account_id}:{resource}"

    def unmapped(self) -> Unmapped:
        """To be raised by a mapping that does not know the operation."""
        path = f"{self.environ['REQUEST_METHOD']} {self.environ['PATH_INFO']}"
        return Unmapped(f"no mapping for {self.service} {self.operation or path}")
