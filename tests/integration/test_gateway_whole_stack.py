"""`python -m localcloud dev` with its real parts and functions, started as a newcomer starts it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from localcloud.config import ROOT
from localcloud.process import free_ports
from tests.integration.local_gateway import wait_until


def descendants(pid: int) -> set[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    children: dict[int, list[int]] = {}
    for line in listing.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def running(pids: set[int]) -> set[int]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    alive = {int(line.split()[0]) for line in listing.splitlines() if "Z" not in line.split()[1]}
    return pids & alive


def test_it_starts_answers_and_leaves_nothing_after_kill_9(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT / "images")]),
        # What a developer's shell may hold must not reach any part.
        "AWS_PROFILE": "no-such-profile",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "localcloud", "dev", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--state-dir", str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Groundwork is ready"):
                break
        else:
            raise AssertionError("".join(lines))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://localhost:{port}/backend/plans", timeout=20) as response:
            plans = json.load(response)["data"]
        assert [plan["id"] for plan in plans] == ["starter", "professional", "enterprise"]
        with opener.open(f"http://localhost:{port}/_local/endpoints", timeout=5) as response:
            assert json.load(response)["userPoolId"]
        # Four parts and at least one process for each of the three domains.
        wait_until(lambda: len(descendants(process.pid)) >= 7)
        started = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 8
        while running(started) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert running(started) == set()
    finally:
        process.kill()
        process.communicate()
