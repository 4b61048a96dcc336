"""Builds and serves the Next.js app in `tests/e2e/frontend`.

It is built in `.local/frontend`, where it stays: packages are installed anew only when their lock
changes, and the app is built anew only when one of its files or the API's description does.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from localcloud.config import ROOT

SOURCE = Path(__file__).with_name("frontend")
WORK = ROOT / ".local" / "frontend"
OPENAPI = ROOT / "docs" / "openapi.json"
OLDEST_NODE = (20, 9)
_MADE = ("node_modules", ".next", "next-env.d.ts", "openapi.d.ts", "tsconfig.tsbuildinfo")
_START_SECONDS = 30


def missing() -> str:
    """Why the app cannot be built here; empty if it can."""
    node = shutil.which("node")
    wanted = ".".join(map(str, OLDEST_NODE))
    if not node or not shutil.which("npm"):
        return f"no Node with npm found: install Node {wanted} or newer to run the frontend's tests"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    return "" if version >= OLDEST_NODE else f"Node {said.strip()} is older than {wanted}"


def build() -> dict[str, float]:
    """Bring `.local/frontend` up to date; the seconds that each step took.

    Raises AssertionError with the output of a step that failed.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = _copied()
        packages = [WORK / "package.json", WORK / "package-lock.json", WORK / ".npmrc"]
        return {
            "npm ci": _once("node_modules/.made", packages, ["npm", "ci"]),
            "types": _once(".types", [OPENAPI, *packages], ["npm", "run", "types"]),
            "next build": _once(".next/.made", [OPENAPI, *sources], ["npm", "run", "build"]),
        }


def compile_types() -> str:
    """What the TypeScript compiler complains about; empty if all types fit."""
    done = subprocess.run(
        ["npm", "run", "--silent", "check"],
        cwd=WORK,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@contextmanager
def serving(port: int, environment: dict[str, str], how: str = "start") -> Iterator[int]:
    """Run the built app on a port; the id of its process, which is gone afterwards.

    `how` is "start", or "dev": then it builds what is asked for, and follows changes of `WORK`.
    """
    command = ["node", "node_modules/next/dist/bin/next", how, "-H", "127.0.0.1"]
    log = WORK / f"next-{how}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "-p", str(port)],
            cwd=WORK,
            env=_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        _wait_until_served(f"http://127.0.0.1:{port}/api/auth/session", process, log)
        yield process.pid
    finally:
        os.killpg(process.pid, 15)
        process.wait(10)


@contextmanager
def developing(port: int, environment: dict[str, str]) -> Iterator[int]:
    """Run `next dev` on a port instead, which leaves the built app as it was."""
    written = [WORK / "next-env.d.ts", WORK / "tsconfig.json"]
    before = [path.read_bytes() for path in written]
    try:
        with serving(port, environment, "dev") as process:
            yield process
    finally:
        for path, content in zip(written, before, strict=True):
            path.write_bytes(content)
        shutil.rmtree(WORK / ".next" / "dev", ignore_errors=True)


def _copied() -> list[Path]:
    """Copy what changed of the app, remove what is gone; the copies."""
    wanted = {
        path.relative_to(SOURCE)
        for path in SOURCE.rglob("*")
        if path.is_file() and path.relative_to(SOURCE).parts[0] not in _MADE
    }
    before = WORK / ".files.json"
    known = json.loads(before.read_text()) if before.exists() else []
    for gone in {Path(name) for name in known} - wanted:
        (WORK / gone).unlink(missing_ok=True)
    for name in wanted:
        (WORK / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, WORK / name)
    before.write_text(json.dumps(sorted(map(str, wanted))))
    return sorted(WORK / name for name in wanted)


def _once(stamp_name: str, inputs: Iterable[Path], command: list[str]) -> float:
    """Run a command unless it succeeded with the same inputs before; the seconds it took.

    The stamp lies within what was made, so that whoever removes that gets it made anew.
    """
    digest = hashlib.sha256(os.uname().machine.encode())
    for path in inputs:
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    stamp = WORK / stamp_name
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return 0.0
    stamp.unlink(missing_ok=True)
    started = time.monotonic()
    done = subprocess.run(
        ["nice", "-n", "5", *command],
        cwd=WORK,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-4000:]}"
    stamp.write_text(digest.hexdigest())
    return time.monotonic() - started


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "NODE_ENV"}
    return {**kept, "NEXT_TELEMETRY_DISABLED": "1", "OPENAPI": str(OPENAPI)}


def _wait_until_served(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=_START_SECONDS):
                return
        except URLError:
            ended = process.poll() is not None or time.monotonic() > deadline
            assert not ended, f"next does not answer:\n{log.read_text()[-2000:]}"
            time.sleep(0.1)
