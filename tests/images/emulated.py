"""Containers of the images under test, with AWS's Runtime Interface Emulator in front."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import requests
from docker.client import DockerClient
from docker.models.containers import Container

from localcloud.config import StackConfig, functions
from localcloud.functions.manifest import environment_table
from tests.images import relay

PATH = "/2015-03-31/functions/function/invocations"
CONCURRENCY = 8
START_SECONDS = 30


class Emulated:
    """One running function."""

    def __init__(self, container: Container) -> None:
        self.container = container
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"]
        self.url = f"http://127.0.0.1:{port}{PATH}"

    def post(self, event: Any) -> requests.Response:
        return requests.post(self.url, json=event, timeout=30)

    def call(self, event: Any) -> Any:
        """The decoded answer to one event."""
        return self.post(event).json()

    def call_when_ready(self, event: Any) -> Any:
        """The first answer that is not a refusal: the emulator starts, or a worker is replaced."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.ConnectionError, json.JSONDecodeError):
                answer = self.call(event)
                if answer.get("errorType") != "Runtime.Unavailable":
                    return answer
            time.sleep(0.1)
        raise AssertionError(f"no answer within {START_SECONDS} s: {self.log()[-2000:]}")

    def wait_for_all_workers(self) -> None:
        """Until every worker has imported the handler and waits for a call."""
        deadline = time.monotonic() + START_SECONDS
        while self.container.exec_run(["test", "-e", "/tmp/ready"]).exit_code:
            assert time.monotonic() < deadline, self.log()[-2000:]
            time.sleep(0.1)

    def log(self) -> str:
        return str(self.container.logs().decode(errors="replace"))


@contextlib.contextmanager
def emulated(
    engine: DockerClient, reference: str, command: str, **options: Any
) -> Iterator[Emulated]:
    """Run a local image as a deployed function runs: read-only but for /tmp, with few rights."""
    environment = {"AWS_LAMBDA_MAX_CONCURRENCY": str(CONCURRENCY)} | options.pop("environment", {})
    container = engine.containers.run(
        reference,
        [command],
        detach=True,
        read_only=True,
        tmpfs={"/tmp": ""},
        cap_drop=["ALL"],
        cap_add=["SETUID", "SETGID"],
        security_opt=["no-new-privileges"],
        ports={"8080/tcp": ("127.0.0.1", None)},
        environment=environment,
        extra_hosts={relay.NAME: "host-gateway"},
        **options,
    )
    try:
        yield Emulated(container)
    finally:
        container.remove(force=True, v=True)


def function_environment(name: str, config: StackConfig, aws: str) -> dict[str, str]:
    """Exactly the variables that `images/functions.json` names for a function, and the way to AWS.

    Args:
        name: the function.
        config: the stack whose names and credentials hold.
        aws: `host:port` of local AWS, as containers reach it.
    """
    table = environment_table(config, issuer=f"http://{aws}/pool", client_id="client")
    named = {variable: table[variable] for variable in functions()[name]["environment"]}
    return named | config.aws_environment() | {"AWS_ENDPOINT_URL": f"http://{aws}"}
