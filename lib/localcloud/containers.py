"""The local cloud of `docker compose`: its parts in containers, the functions in their own images.

All containers share one network namespace, so that an address means the same to the functions, to
local AWS and Stripe, and to a browser outside, who reaches the gateway's port alone. Ports inside
are fixed, since `docker-compose.yml` names them.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from .config import HOST, StackConfig, functions, origin_of
from .stack import PARTS, Stack, StackError, check_frontend

AWS_PORT, STRIPE_PORT, BEDROCK_PORT, CONTROL_PORT = 4001, 4002, 4003, 4004
EMULATOR_PORT = 4101
"""Port of the first function of `images/functions.json`; each further one has the next."""
RUNTIME_API_PORT = 4201
"""The same for the Runtime API between an emulator and its workers."""
CONCURRENCY = 2
SERVICES = ("loopback", "localcloud", "gateway")
"""Names of the services that share one address; another container may call it by one of them."""
STATE = Path("/state")


def container_config(environ: Mapping[str, str]) -> StackConfig:
    """What all containers of one stack agree on.

    `environ` may set PORT (8000), FRONTEND_URL, NEXTAUTH_SECRET, GROUNDWORK_ALLOW_USER_HEADER=1
    and GROUNDWORK_WEBHOOKS_ANYWHERE=1. Raises StackError for a port that is used inside, and for
    a FRONTEND_URL that is not an origin.
    """
    text = environ.get("PORT") or "8000"
    port = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    if not 0 < port < 65536 or 4000 <= port < 4300:
        raise StackError(f"PORT={text} cannot be served: 1 to 65535, and not 4000 to 4299.")
    frontend = environ.get("FRONTEND_URL") or None
    check_frontend(frontend)
    # The functions get it from Compose as it is written, as an allowed origin.
    if frontend and frontend != origin_of(frontend):
        raise StackError(f"Write FRONTEND_URL={origin_of(frontend)}, as a browser does.")
    return StackConfig(
        gateway_port=port,
        aws_port=AWS_PORT,
        stripe_port=STRIPE_PORT,
        bedrock_port=BEDROCK_PORT,
        control_port=CONTROL_PORT,
        state_dir=STATE,
        frontend_url=frontend,
        allow_user_header=environ.get("GROUNDWORK_ALLOW_USER_HEADER") == "1",
        webhooks_anywhere=environ.get("GROUNDWORK_WEBHOOKS_ANYWHERE") == "1",
        service_names=SERVICES,
        machine_name="host.docker.internal",
        one_port=True,
        gateway_host="0.0.0.0",
        emulators={
            name: f"{HOST}:{EMULATOR_PORT + index}" for index, name in enumerate(functions())
        },
        emulator_concurrency=CONCURRENCY,
    )


def serve(parts: Sequence[str]) -> int:
    """Run the named parts until a signal, or until one of them ends; the exit code."""
    try:
        config = container_config(os.environ)
        if list(parts) == ["gateway"]:
            from .gateway.run import main

            main(config)
            return 0
        return _supervise(config, parts)
    except StackError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


class _StopRequestedError(BaseException):
    """Raised by SIGINT and SIGTERM."""


def _supervise(config: StackConfig, parts: Sequence[str]) -> int:
    stack = Stack(
        config=config,
        parts={name: PARTS[name] for name in parts},
        log=lambda line: print(line, flush=True),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with stack:
            while True:
                stack.check()
                time.sleep(0.2)
    except _StopRequestedError:
        return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _StopRequestedError


def healthy(ports: Sequence[int]) -> int:
    """0 when every port's `/_health` answers 200: the health check of these containers."""
    import http.client

    try:
        for port in ports:
            connection = http.client.HTTPConnection(HOST, port, timeout=2)
            connection.request("GET", "/_health")
            if connection.getresponse().status != 200:
                return 1
    except OSError:
        return 1
    return 0
