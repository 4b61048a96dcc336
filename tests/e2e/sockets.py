"""The ports that the processes of a stack really listen on, and raw requests to them."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

PROC = Path("/proc")
LISTENING = "0A"
PATIENCE = 10.0


@dataclass(frozen=True, order=True)
class Listener:
    """A listening TCP socket. `address` is as the kernel writes it, in hexadecimal."""

    port: int
    address: str
    version: str

    @property
    def is_loopback(self) -> bool:
        # 127.0.0.1 with its bytes reversed, as on any machine that this runs on.
        return (self.version, self.address) == ("tcp", "0100007F")


def listeners(roots: list[int]) -> list[Listener]:
    """What these processes and all that came from them listen on."""
    if not (PROC / "net" / "tcp").exists():
        pytest.skip("not on this machine: /proc/net/tcp")
    found = set()
    for pid in _family(roots):
        inodes = _sockets(pid)
        for version in ("tcp", "tcp6"):
            for line in (PROC / str(pid) / "net" / version).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and fields[9] in inodes:
                    address, port = fields[1].split(":")
                    found.add(Listener(int(port, 16), address, version))
    return sorted(found)


def _family(roots: list[int]) -> set[int]:
    """The processes and their descendants."""
    parents = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything.
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(stat[1])
    family = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _sockets(pid: int) -> set[str]:
    found = set()
    for each in (PROC / str(pid) / "fd").iterdir():
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", str(each.readlink()))
        except OSError:
            continue
        if match:
            found.add(match[1])
    return found


@dataclass(frozen=True)
class Spoken:
    """The first answer on a connection; status 0 when it was closed without one."""

    status: int
    head: str
    body: str


def speak(port: int, request: bytes) -> Spoken:
    """Send these bytes and read until the other side closes, or has sent a whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        received = b""
        try:
            connection.sendall(request)
            while not _is_whole(received) and (chunk := connection.recv(65536)):
                received += chunk
        except ConnectionError:
            # It closed while we were still sending: what it said before counts.
            pass
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0
    return Spoken(status, head.decode("latin-1"), body.decode("utf-8", "replace"))


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(end and length and len(body) >= int(length[1]))


def request(
    method: str, path: str, headers: list[tuple[str, str]] | None = None, body: bytes = b""
) -> bytes:
    """A request with exactly these headers, and a length if there is a body."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers or [])]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
