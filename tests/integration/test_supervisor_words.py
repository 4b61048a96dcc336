"""What `make dev` says to a person: of another stack, of an older state, of a moved clock."""

import fcntl
import http.server
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from localcloud.clock import Clock
from localcloud.config import ROOT, STARTING, StackConfig
from localcloud.process import free_ports
from localcloud.stack import PARTS, PortTakenError, Stack, StackError, check_port
from tests.integration.test_gateway_supervisor import parts, read_until_ready, supervisor

SLEEPING = "import time; time.sleep(60)"


class _Endpoints(http.server.BaseHTTPRequestHandler):
    """Answers every path as a stack answers `/_local/endpoints`: it is starting, then it runs."""

    answers: ClassVar = [
        (503, json.dumps({"message": STARTING}).encode()),
        (200, b'{"site": "http://localhost", "userPoolId": "us-east-1_1"}'),
    ]

    def do_GET(self) -> None:
        status, body = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_a_second_make_dev_is_told_of_the_first() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Endpoints) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        for _answer in list(_Endpoints.answers):
            with pytest.raises(PortTakenError, match=rf"^Groundwork already runs on .*:{port}\. "):
                check_port(port)
        server.shutdown()


def test_an_older_state_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    """Only the part that refuses is real: it is what ends the stack."""
    file = tmp_path / "stripe.sqlite"
    with sqlite3.connect(file) as older:
        older.execute("PRAGMA user_version = 1")
    commands = {name: [sys.executable, "-c", SLEEPING] for name in PARTS}
    commands["stripe"] = list(PARTS["stripe"])
    stack = Stack(port=0, state_dir=tmp_path, parts=commands)
    with pytest.raises(StackError) as refused:
        stack.start()
    assert str(refused.value) == (
        f"{file} was written by another release of Groundwork. Delete it and start again: "
        "local Stripe then begins with nothing but the plans."
    )


@pytest.mark.parametrize(
    ("part", "port"),
    [
        ("aws", "aws"),
        ("stripe", "stripe"),
        ("bedrock", "bedrock"),
        ("gateway", "gateway"),
        ("gateway", "control"),
    ],
)
def test_a_port_taken_in_the_last_moment_is_one_sentence(
    tmp_path: Path, part: str, port: str
) -> None:
    ports = dict(
        zip(("gateway", "aws", "stripe", "bedrock", "control"), free_ports(5), strict=True)
    )
    numbers = {f"{name}_port": port for name, port in ports.items()}
    config = StackConfig(state_dir=tmp_path, **numbers)
    with socket.create_server(("127.0.0.1", ports[port])):
        stack = Stack(config=config, parts={part: PARTS[part]})
        with pytest.raises(StackError) as refused:
            stack.start()
    assert str(refused.value) == (
        f"Port {ports[port]} of local {part} was free and has just been taken by another program. "
        "Start again."
    )


def test_a_clock_that_was_moved_before_is_named_at_the_start(tmp_path: Path) -> None:
    Clock(tmp_path / "state" / "clock").offset = 31 * 86_400
    with supervisor(tmp_path, free_ports(1)[0], parts(tmp_path)) as process:
        lines = read_until_ready(process)
    assert any("31 days ahead of real time: http://" in line for line in lines)


def test_real_time_is_not_worth_a_line(tmp_path: Path) -> None:
    with supervisor(tmp_path, free_ports(1)[0], parts(tmp_path)) as process:
        lines = read_until_ready(process)
    assert not any("Clock" in line for line in lines)


@pytest.mark.parametrize("state", [".local", ".local/8010"])
def test_make_clean_leaves_a_running_stack_alone(tmp_path: Path, state: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / state).mkdir(parents=True)

    # Below `make test` it would be a make of the second level, which also says where it works.
    alone = {name: value for name, value in os.environ.items() if "MAKE" not in name}

    def clean() -> subprocess.CompletedProcess[str]:
        command = ["make", "clean"]
        return subprocess.run(
            command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False
        )

    with (tmp_path / state / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = clean()
        assert refused.returncode != 0
        assert refused.stdout.startswith("clean: a stack runs on the state in .local. Stop it")
        assert python.exists()
    assert clean().returncode == 0
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / ".local").exists()
