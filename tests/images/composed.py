"""A stack of `docker compose`, under a project name and on a port of its own."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from localcloud.config import ROOT
from localcloud.process import free_ports

FAULTY = "tests/images/compose-faulty.yml"


@dataclass(frozen=True)
class Composed:
    """One project; `base` is the image that all others stand on."""

    project: str
    port: int
    base: str

    @property
    def site(self) -> str:
        return f"http://localhost:{self.port}"

    def run(self, *arguments: str, files: tuple[str, ...] = ()) -> str:
        """`docker compose` with these arguments; its output. Fails with what it said."""
        chosen = [part for file in ("docker-compose.yml", *files) for part in ("-f", file)]
        ended = subprocess.run(
            ["docker", "compose", "--ansi", "never", "-p", self.project, *chosen, *arguments],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "BASE_IMAGE": self.base},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{arguments}: {ended.stderr[-3000:]}{self.log()}"
        return ended.stdout

    def up(self, *services: str, files: tuple[str, ...] = ()) -> None:
        """Start, from images that are there, and return when all containers are healthy."""
        self.run("up", "-d", "--wait", "--no-build", "--pull", "never", *services, files=files)

    def log(self, service: str = "") -> str:
        """The last lines of one service, or of all."""
        names = [service] if service else []
        command = ["docker", "compose", "-p", self.project, "logs", "--no-color", "--tail", "60"]
        environment = {**os.environ, "PORT": str(self.port)}
        ended = subprocess.run(
            [*command, *names],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.stdout

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.run("ps", "-a", "-q", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        command = ["docker", "inspect", self.container(service)]
        found: list[dict[str, Any]] = json.loads(subprocess.check_output(command))
        return found[0]

    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.site}/_local/endpoints", timeout=10).json()
        return found


@contextmanager
def composed(base: str) -> Iterator[Composed]:
    """A project whose images are built; what it starts is removed, with its volume."""
    project = Composed(f"groundwork-test-{os.getpid()}", free_ports(1)[0], base)
    project.run("build", "--quiet")
    try:
        yield project
    finally:
        project.run("down", "-v", "--rmi", "local", "--timeout", "3")


def wait_until(condition: Callable[[], Any], complaint: Callable[[], str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.2)
