"""A small threaded HTTP/1.1 server: keep-alive, chunked bodies, one write an answer.

Werkzeug's development server closes every connection, and a pool of workers (waitress) would let
a few slow calls, such as a Cognito trigger, hold up all others; a thread a connection does neither.
"""

import json
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from email import errors
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from localcloud.guard import Asked, Guard

MAX_BODY = 256 * 1024 * 1024
IDLE_SECONDS = 300.0
# Moto's answers carry these as data; on the wire they belong to the server.
_LONGEST_NUMBER = 15
_MALFORMED = "A header line cannot be read: each is `Name: value`, without control characters."
_HEAD_DEFECTS = (
    errors.FirstHeaderLineIsContinuationDefect,
    errors.InvalidHeaderDefect,
    errors.MisplacedEnvelopeHeaderDefect,
    errors.MissingHeaderBodySeparatorDefect,
)
OWN_HEADERS = frozenset({"status", "content-length", "connection", "transfer-encoding", "date"})


@dataclass
class Answer:
    """One HTTP answer: status, headers and the whole body as bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Application = Callable[[dict[str, Any]], Answer]


class Refused(Exception):
    """A request that cannot be read: answered with `status`, then the connection is closed."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Server(ThreadingHTTPServer):
    """Serves `application` on `host:port`; it gets a WSGI environ and returns an `Answer`.

    It never sees what `guard` refuses.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, application: Application, guard: Guard) -> None:
        super().__init__((host, port), Connection)
        self.application = application
        self.guard = guard

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for its own name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say nothing about clients that hang up; print anything else."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            traceback.print_exc(file=sys.stderr)


class Connection(BaseHTTPRequestHandler):
    """One client connection, possibly with many requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def handle_one_request(self) -> None:
        """Read one request, answer it; closes on malformed requests and on a client's hang-up."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.parse_request() or self._is_refused():
            return
        try:
            body = self._body()
        except Refused as refusal:
            self.send_error(refusal.status)
            return
        self._send(self.server.application(self._environ(body)))

    def handle_expect_100(self) -> bool:
        """Said when the body is read: the guard may refuse the request before."""
        return True

    def _is_refused(self) -> bool:
        """Whether the request is answered already, for what its head says."""
        if not _is_well_formed(self.headers):
            self.send_error(HTTPStatus.BAD_REQUEST, _MALFORMED)
            return True
        _, _, target = self.requestline.partition(" ")
        headers = [
            (name.encode("latin-1"), str(value).encode("latin-1"))
            for name, value in self.headers.raw_items()
        ]
        path, port = self.path.partition("?")[0], self.server.server_port
        asked = Asked(self.command, target.encode("latin-1"), unquote(path), headers, port)
        refusal = self.server.guard.refusal(asked)
        if refusal:
            self.send_error(refusal.status, refusal.message)
        return refusal is not None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Say why a request is not answered, and read nothing more of this connection.

        A version of HTTP that is not spoken here (505) is a client's mistake like any other.
        """
        self.close_connection = True
        status = code if code < 500 else HTTPStatus.BAD_REQUEST
        body = json.dumps({"message": message or _phrase(code)}).encode()
        self._send(Answer(status, {"Content-Type": "application/json"}, body))

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            super().handle_expect_100()
        if self.headers.get("Transfer-Encoding", "").lower().strip() == "chunked":
            return self._chunked_body()
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit():
            raise Refused(HTTPStatus.BAD_REQUEST)
        if len(length) > _LONGEST_NUMBER or int(length) > MAX_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length)) if int(length) else b""
        if len(body) != int(length):
            raise ConnectionError("the client hung up within a body")
        return body

    def _chunked_body(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := self._chunk_size():
            total += size
            if total > MAX_BODY:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            parts.append(self.rfile.read(size))
            self.rfile.readline(3)
        while self.rfile.readline(65537) not in (b"\r\n", b"\n", b""):
            pass
        return b"".join(parts)

    def _chunk_size(self) -> int:
        text = self.rfile.readline(1024).split(b";")[0].strip()
        if not text or not set(text) <= set(b"0123456789abcdefABCDEF"):
            raise Refused(HTTPStatus.BAD_REQUEST)
        return int(text, 16)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "RAW_URI": self.path,
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.server_name,
            "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "groundwork.body": body,
            "groundwork.headers": self.headers,
            "CONTENT_LENGTH": str(len(body)),
        }
        _add_headers(environ, self.headers)
        return environ

    def _send(self, answer: Answer) -> None:
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            f"Date: {self.date_time_string()}",
        ]
        length = str(len(answer.body))
        for name, value in answer.headers.items():
            if name.lower() not in OWN_HEADERS:
                lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " "))
            elif self.command == "HEAD" and name.lower() == "content-length":
                length = value
        bodiless = answer.status < 200 or answer.status in (204, 304)
        if not bodiless:
            lines.append(f"Content-Length: {length}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        # A client would take a body that may not be there for the next answer.
        self.wfile.write(head if bodiless or self.command == "HEAD" else head + answer.body)

    def log_message(self, *_arguments: Any) -> None:
        """Stay quiet: a line for each request would bury what matters."""


def _is_well_formed(headers: Message) -> bool:
    """Whether every line was read as a header; the parser of e-mail passes over others."""
    defects = any(isinstance(defect, _HEAD_DEFECTS) for defect in headers.defects)
    folded = any(mark in value for value in headers.values() for mark in "\r\n\0")
    return not defects and not folded


def _add_headers(environ: dict[str, Any], headers: Message) -> None:
    """WSGI names of headers; repeated ones are joined, underscores survive in S3 metadata only."""
    from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY as PRESERVED

    for name, value in headers.items():
        if "_" in name:
            if not name.lower().startswith("x-amz-meta-"):
                continue
            environ.setdefault(PRESERVED, {})[f"HTTP_{name.upper().replace('-', '_')}"] = name
        key = name.upper().replace("-", "_")
        if key == "CONTENT_LENGTH":
            continue
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
