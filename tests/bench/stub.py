"""A stand-in for everything behind the functions that answers at once, whatever it is asked.

It speaks just enough of DynamoDB, SSM, Bedrock and Stripe for the bench's cases and keeps no state,
so that its own cost is small and always the same. An unknown request is refused and remembered.
A thread for each connection, since that answers sooner than an event loop.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

# (`X-Amz-Target`, request line's method and path, body) → JSON answer; None is refused.
Answer = Callable[[str, str, bytes], dict[str, Any] | None]
_REFUSED = {"__type": "ValidationException", "message": "the bench has no answer to this"}


class Stub:
    """Serves `answer` on `host` while the context lasts.

    `requests` counts what was answered, `refused` names what was not.
    """

    def __init__(self, host: str, answer: Answer) -> None:
        self._answer = answer
        self._server = socket.create_server((host, 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = "http://{}:{}".format(*self._server.getsockname())
        self.requests = 0
        self.refused: list[str] = []

    def __enter__(self) -> "Stub":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake a thread that waits in `accept` or `recv`.
        for each in (self._server, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            received = b""
            while data := connection.recv(65_536):
                received += data
                while found := _cut(received):
                    head, body, received = found
                    connection.sendall(self._respond(head, body))

    def _respond(self, head: bytes, body: bytes) -> bytes:
        line, *fields = head.decode("latin-1").split("\r\n")
        target = next((f[13:].strip() for f in fields if f[:13].lower() == "x-amz-target:"), "")
        asked = line.rsplit(" ", 1)[0]
        answer = self._answer(target, asked, body)
        self.requests += 1
        if answer is None:
            self.refused.append(f"{asked} {target}".strip())
        content = json.dumps(_REFUSED if answer is None else answer).encode()
        status = "400 Bad Request" if answer is None else "200 OK"
        start = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\n"
        return start.encode() + b"content-length: %d\r\n\r\n" % len(content) + content


def _cut(received: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head and body of the first whole request, and what follows it."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return None
    _, _, length = head.lower().partition(b"content-length:")
    size = int(length.split(b"\r\n")[0]) if length else 0
    return (head, rest[:size], rest[size:]) if len(rest) >= size else None
