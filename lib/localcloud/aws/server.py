"""The local AWS server: moto behind our own HTTP server, with the repairs of this package."""

import json
import os
import uuid
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from localcloud.aws.cognito import browsers
from localcloud.aws.connections import Answer, Server
from localcloud.clock import Clock
from localcloud.config import HOST, StackConfig
from localcloud.ports import aws_guard
from localcloud.process import die_with_parent, end_quietly_on_signals

INSTANCE_HEADER = "X-Instance"
CHANGES_HEADER = "X-Changes"
OK = Answer(
    200,
    # Whoever provisioned local AWS sees by it that another process, with nothing in it, has come.
    {"Content-Type": "application/json", INSTANCE_HEADER: uuid.uuid4().hex},
    b'{"status":"ok"}',
)


def main(config: StackConfig) -> None:
    """Serve local AWS on `config.aws_port` until SIGTERM or SIGINT."""
    die_with_parent()
    end_quietly_on_signals()
    _set_moto_environment(config)
    server = Server(HOST, config.aws_port, Application(config), aws_guard(config))
    server.serve_forever()


def _set_moto_environment(config: StackConfig) -> None:
    """What moto reads from the environment, most of it while it is imported."""
    os.environ.update(
        {
            "MOTO_ACCOUNT_ID": config.account_id,
            "MOTO_ACM_VALIDATION_WAIT": "1",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            "MOTO_PORT": str(config.aws_port),
            "MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP": "true",
            # moto makes sessions of its own for region lists; they must not look for credentials.
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": config.access_key_id,
            "AWS_SECRET_ACCESS_KEY": config.secret_access_key,
        }
    )


class Application:
    """Dispatches to the control paths below `/_local`, `/_health`, and to AWS."""

    def __init__(self, config: StackConfig) -> None:
        from localcloud.aws.repair import require_moto

        require_moto()
        from localcloud.aws import (  # noqa: F401 - repairs
            changes,
            dynamodb,
            instances,
            invoke,
            mail,
            partitions,
            routing,
            s3,
            transactions,
        )
        from localcloud.aws.cognito import actions, tokens
        from localcloud.aws.faults import Breakable
        from localcloud.aws.iam import callers, sessions
        from localcloud.aws.iam.control import Control
        from localcloud.aws.iam.gate import Gate

        clock = Clock(config.clock_file)
        tokens.issue_from(config.cognito_url, config.aws_public_url, clock.now)
        self._prefix = urlsplit(config.aws_public_url).path
        self._routing = routing
        self._changes = changes
        self._config = config
        self._breakable = Breakable()
        self._gate = Gate(config.access_key_id)
        self._control = Control(self._gate, config.region)
        self._handlers: dict[str, routing.Handler] = {
            "dynamodb": dynamodb.handle,
            "cognito-idp": actions.handler(config.control_url),
            "iam": callers.iam_handler(self._gate.callers),
            "lambda": invoke.handler(config.control_url),
            "s3": s3.handler(
                config.access_key_id, config.secret_access_key, self._gate, lambda: clock.offset
            ),
            "ses": mail.handler("ses"),
            "sesv2": mail.handler("sesv2"),
            "sts": sessions.handler(self._gate.callers, config.account_id),
        }

    def __call__(self, environ: dict[str, Any]) -> Answer:
        self._leave_prefix(environ)
        path = environ["PATH_INFO"]
        if path == "/_health":
            return Answer(200, {**OK.headers, CHANGES_HEADER: str(self._changes.latest())}, OK.body)
        if path.startswith("/_local/") and (answer := self._operated(path, environ)):
            return answer
        if asked := browsers.preflight(environ):
            return asked
        return browsers.readable(environ, self._breakable.answer(environ, self._called))

    def _operated(self, path: str, environ: dict[str, Any]) -> Answer | None:
        """Serve a control path; None: it is none."""
        method = environ["REQUEST_METHOD"]
        if path == "/_local/mail" and method == "GET":
            return _mail(environ["QUERY_STRING"])
        if path == "/_local/resources" and method == "GET":
            return _resources()
        if path == "/_local/items" and method == "POST":
            return self._items(environ)
        if path == "/_local/faults" or (path == "/_local/reset" and method == "POST"):
            return self._reset() if path == "/_local/reset" else self._breakable.control(environ)
        return self._control.answer(environ)

    def _called(self, environ: dict[str, Any]) -> Answer:
        answered = self._routing.answer(environ, self._handlers, self._gate)
        self._changes.note(environ)
        return answered

    def _items(self, environ: dict[str, Any]) -> Answer:
        from localcloud.aws.items import answer

        config = self._config
        return answer(environ["groundwork.body"], config.account_id, config.region)

    def _reset(self) -> Answer:
        """Forget all state of every service that was called so far; provisioning comes after."""
        from localcloud.aws.reset import forget_everything

        forget_everything()
        self._gate.callers.forget()
        self._breakable.forget()
        self._changes.count()
        return OK

    def _leave_prefix(self, environ: dict[str, Any]) -> None:
        """Serve a request by the public address as any other; the path its client signed is kept.

        An SDK asks for the endpoint itself without a final slash.
        """
        path, mark, query = environ["RAW_URI"].partition("?")
        if self._prefix and f"{path}/".startswith(f"{self._prefix}/"):
            rest = path.removeprefix(self._prefix) or "/"
            environ["groundwork.signed_path"] = path
            environ["RAW_URI"] = f"{rest}{mark}{query}"
            environ["PATH_INFO"] = unquote(rest, "latin-1")


def _resources() -> Answer:
    from localcloud.aws.resources import listing

    body = json.dumps(listing()).encode()
    return Answer(200, {"Content-Type": "application/json", "Cache-Control": "no-store"}, body)


def _mail(query: str) -> Answer:
    from localcloud.aws.mail import KEPT, MAILBOX

    asked = {name: values[0] for name, values in parse_qs(query).items()}
    limit = asked.get("limit", "")
    found = MAILBOX.newest_first(
        asked.get("to", ""),
        before=asked.get("before", ""),
        limit=int(limit) if limit.isascii() and limit.isdigit() else KEPT,
    )
    body = json.dumps(found).encode()
    return Answer(200, {"Content-Type": "application/json", "Cache-Control": "no-store"}, body)
