"""A gateway with small made-up functions, run in a thread, spoken to over real sockets."""

import asyncio
import http.client
import json
import socket
import textwrap
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from localcloud.config import StackConfig
from localcloud.functions.manifest import CodePaths, parse_manifest
from localcloud.gateway.provisioning import Provision
from localcloud.gateway.server import Gateway, Parts
from localcloud.process import free_ports

T = TypeVar("T")

ECHO = '''
import json, os, sys, time

def api(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}

def pid(event, context):
    time.sleep(float(event.get("sleep", 0)))
    if "line" in event:
        print(event["line"])
    if "meet" in event:
        # Returns only when as many processes as wanted are here at the same time.
        open(os.path.join(event["meet"], str(os.getpid())), "w").close()
        while len(os.listdir(event["meet"])) < event["count"]:
            time.sleep(0.01)
    return os.getpid()

def environment(event, context):
    return dict(os.environ)

def trigger(event, context):
    print(json.dumps(event))
    return event

def describe(event, context):
    return {
        "remaining": context.get_remaining_time_in_millis(),
        "function_name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "log_group": context.log_group_name,
        "log_stream": context.log_stream_name,
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }

def behave(event, context):
    """Do what the test asks for."""
    match event["do"]:
        case "return":
            return event["value"]
        case "raise":
            raise ValueError(event["message"])
        case "exit":
            os._exit(int(event["code"]))
        case "hang":
            while True:
                pass
        case "large":
            return "x" * event["bytes"]
        case "leave a child":
            # It keeps the process's output open after the process itself is gone.
            import subprocess
            subprocess.Popen(["sleep", "8"])
            os._exit(4)
        case "unserialisable":
            return object()
        case "print":
            print(event["line"], flush=True)
            return os.getpid()

def clock(event, context):
    """The present, by every way to ask for it, in epoch seconds."""
    import datetime, email.utils, pickle
    aware = datetime.datetime.now(datetime.UTC)
    assert type(aware) is datetime.datetime and pickle.loads(pickle.dumps(aware)) == aware
    naive = datetime.datetime.utcnow().replace(tzinfo=datetime.UTC)
    return {
        "pid": os.getpid(),
        "remaining": context.get_remaining_time_in_millis(),
        "switch": [name for name in os.environ if "CLOCK" in name],
        "now": [
            time.time(),
            time.time_ns() / 1e9,
            time.clock_gettime(time.CLOCK_REALTIME),
            time.mktime(time.localtime()),
            time.mktime(time.strptime(time.ctime())),
            time.mktime(time.strptime(time.asctime())),
            float(time.strftime("%s")),
            aware.timestamp(),
            naive.timestamp(),
            datetime.datetime.today().timestamp(),
            email.utils.parsedate_to_datetime(email.utils.formatdate()).timestamp(),
        ],
        "day": datetime.date.today().isoformat(),
        "unmoved": [time.monotonic(), time.strftime("%Y", time.gmtime(0)), time.ctime(0)],
    }

def shape(event, context):
    """Answer over HTTP with whatever the request body says, as the raw Lambda result."""
    wanted = json.loads(event["body"])
    if wanted == "raise":
        raise RuntimeError("secret detail")
    if wanted == "hang":
        time.sleep(30)
    if wanted == "exit":
        os._exit(3)
    return wanted
'''

MANIFEST: dict[str, dict[str, Any]] = {
    "demo-echo": {"command": "demo.handler.api", "default": True},
    "demo-pid": {"command": "demo.handler.pid"},
    "demo-environment": {
        "command": "demo.handler.environment",
        "environment": ["APP_ENV", "TABLE_NAME", "COGNITO_CLIENT_ID"],
    },
    "demo-clock": {"command": "demo.handler.clock"},
    "demo-describe": {"command": "demo.handler.describe", "memory": 256},
    "demo-behave": {"command": "demo.handler.behave", "timeout": 1},
    "demo-patient": {"command": "demo.handler.behave"},
    "demo-shape": {"command": "demo.handler.shape", "timeout": 5},
    "demo-missing": {"command": "demo.nowhere.api"},
    "demo-broken": {"command": "demo.broken.api"},
}

OPENAPI = {
    "paths": {
        "/echo": {"get": {"x-function": "demo-echo"}, "post": {"x-function": "demo-echo"}},
        "/items/{id}": {"get": {"x-function": "demo-echo"}},
        "/items/special": {"get": {"x-function": "demo-echo"}},
        "/files/{path+}": {"get": {"x-function": "demo-echo"}},
        "/shape": {"post": {"x-function": "demo-shape"}},
        "/pid": {"get": {"x-function": "demo-pid"}},
        "/unknown-function": {"get": {"x-function": "no-such-function"}},
    }
}


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return ", ".join(v for k, v in self.headers if k.lower() == name.lower()) or None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningGateway:
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    code: Path
    lines: list[str] = field(default_factory=list)

    @property
    def config(self) -> StackConfig:
        return self.gateway.config

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def invoke(self, name: str, event: Any = None) -> tuple[Any, str | None]:
        result = self.run(self.gateway.functions.invoke(name, json.dumps(event or {}).encode()))
        return json.loads(result.payload), result.error

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        host: str | None = None,
    ) -> Answer:
        """One request with exactly these headers besides Host and Content-Length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.config.gateway_port, timeout=15)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"localhost:{self.config.gateway_port}")
            for name, value in headers or []:
                connection.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def event(self, method: str, target: str, **options: Any) -> dict[str, Any]:
        """The event the echoing function was called with."""
        event: dict[str, Any] = self.request(method, target, **options).json()
        return event


def wait_until(condition: Any, seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.02)


def make_config(state_dir: Path, **settings: Any) -> StackConfig:
    gateway, aws, stripe, bedrock, control = free_ports(5)
    return StackConfig(gateway, aws, stripe, bedrock, control, state_dir, **settings)


def write_code(root: Path) -> Path:
    (root / "demo").mkdir(parents=True)
    (root / "demo" / "__init__.py").touch()
    (root / "demo" / "handler.py").write_text(textwrap.dedent(ECHO))
    (root / "demo" / "broken.py").write_text("raise RuntimeError('broken at import')\n")
    return root


@contextmanager
def running_gateway(
    tmp_path: Path,
    *,
    config: StackConfig | None = None,
    integration_seconds: float = 30,
    warm: bool = False,
    max_workers: int = 8,
    provision: Provision | None = None,
    kind: type[Gateway] = Gateway,
    **settings: Any,
) -> Iterator[RunningGateway]:
    code = write_code(tmp_path / "images")
    openapi = tmp_path / "openapi.json"
    openapi.write_text(json.dumps(OPENAPI))
    manifest = {
        name: {"image": "demo", "timeout": 10, "memory": 128, **entry}
        for name, entry in MANIFEST.items()
    }
    lines: list[str] = []
    parts = Parts(
        specs=parse_manifest(manifest),
        openapi=openapi,
        code=CodePaths(imports=(code,), root=code, watched=(code,)),
        log=lines.append,
        integration_seconds=integration_seconds,
        warm=warm,
        max_workers=max_workers,
        provision=provision,
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        gateway = _construct(loop, kind, config or make_config(tmp_path, **settings), parts)
        running = RunningGateway(gateway, loop, code, lines)
        try:
            running.run(gateway.start())
            yield running
        finally:
            running.run(gateway.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _construct(
    loop: asyncio.AbstractEventLoop, kind: type[Gateway], config: StackConfig, parts: Parts
) -> Gateway:
    async def make() -> Gateway:
        return kind(config, parts)

    return asyncio.run_coroutine_threadsafe(make(), loop).result(10)


def free_socket() -> socket.socket:
    """A listening loopback socket on a port of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener
