"""A stand-in for everything behind the functions that answers at once, whatever it is asked.

It speaks just enough of DynamoDB, SSM, Bedrock and Stripe for the bench's cases and keeps no state,
so that its own cost is small and always the same. An unknown request is refused and remembered.
"""

import asyncio
import json
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
        self._host, self._answer = host, answer
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self.transports: set[asyncio.Transport] = set()
        self.requests = 0
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://{self._host}:{self._server.sockets[0].getsockname()[1]}"

    def __enter__(self) -> "Stub":
        opened = self._loop.create_server(lambda: _Connection(self), self._host, 0)
        self._server = self._loop.run_until_complete(opened)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for transport in list(self.transports):
            transport.close()
        # Closing takes the loop another turn.
        await asyncio.sleep(0)

    def respond(self, target: str, line: str, body: bytes) -> bytes:
        """The whole HTTP answer to one request."""
        found = self._answer(target, line, body)
        self.requests += 1
        if found is None:
            self.refused.append(f"{line} {target}".strip())
        content = json.dumps(found if found is not None else _REFUSED).encode()
        status = "200 OK" if found is not None else "400 Bad Request"
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
            f"request-id: req_bench\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


class _Connection(asyncio.Protocol):
    """One client's requests, one after the other."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._stub.transports.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._stub.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            line, *fields = self._received[:end].decode("latin-1").split("\r\n")
            pairs = (field.partition(": ") for field in fields)
            headers = {name.lower(): value for name, _, value in pairs}
            size = end + 4 + int(headers.get("content-length", 0))
            if len(self._received) < size:
                return
            body, self._received = self._received[end + 4 : size], self._received[size:]
            target = headers.get("x-amz-target", "")
            self._transport.write(self._stub.respond(target, line.rsplit(" ", 1)[0], body))
