"""A local AWS server as a real process, shared by all modules that import its fixture."""

import atexit
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.aws.provision import Provisioned, provision
from localcloud.config import ROOT, StackConfig
from localcloud.process import PARENT_VARIABLE

START = (
    "import os; from localcloud.config import StackConfig; from localcloud.aws.server import main;"
    "main(StackConfig.from_json(os.environ['GROUNDWORK_STACK']))"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _session() -> boto3.Session:
    """One session: the models it has loaded serve all clients."""
    return boto3.Session()


@dataclass(frozen=True)
class LocalAws:
    """A running, provisioned local AWS and what tests need to talk to it."""

    config: StackConfig
    provisioned: Provisioned
    log: Path

    def client(self, service: str, **overrides: Any) -> Any:
        options: dict[str, Any] = {
            "endpoint_url": self.config.aws_url,
            "region_name": self.config.region,
            "aws_access_key_id": self.config.access_key_id,
            "aws_secret_access_key": self.config.secret_access_key,
            "config": Config(retries={"total_max_attempts": 1}, max_pool_connections=60),
        }
        return _session().client(service, **{**options, **overrides})

    def logged(self) -> str:
        return self.log.read_text()


def start(config: StackConfig, log: Path) -> subprocess.Popen[bytes]:
    """Start a server and wait until it is ready; fails with its log when it exits instead."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "lib"),
        "GROUNDWORK_STACK": config.to_json(),
        PARENT_VARIABLE: str(os.getpid()),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "error::RuntimeWarning", "-c", START],
            env=environment,
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{config.aws_url}/_health", timeout=2) as answer:
                assert answer.read() == b'{"status":"ok"}'
            return process
        except OSError:
            time.sleep(0.02)
    process.kill()
    raise AssertionError(f"local AWS did not start: {log.read_text()}")


@functools.cache
def shared(service_names: tuple[str, ...] = ()) -> LocalAws:
    """The one server of this test run, also under these names; it ends with the interpreter."""
    state = Path(tempfile.mkdtemp(prefix="groundwork-aws-"))
    config = StackConfig(
        *[free_port() for _ in range(5)],
        state_dir=state,
        frontend_url=None,
        service_names=service_names,
    )
    process = start(config, state / "aws.log")
    atexit.register(_stop, process, state)
    return LocalAws(config, provision(config), state / "aws.log")


def _stop(process: subprocess.Popen[bytes], state: Path) -> None:
    process.terminate()
    process.wait(5)
    shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="session")
def aws() -> LocalAws:
    return shared()
