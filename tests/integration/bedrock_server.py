"""Local Bedrock in a thread, spoken to over real sockets."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from aiohttp import web
from botocore.config import Config

from localcloud.bedrock import server
from localcloud.config import StackConfig

CONFIG = StackConfig(0, 0, 0, 0, 0, Path("/nonexistent"), frontend_url=None)


@dataclass(frozen=True)
class LocalBedrock:
    """A running local Bedrock."""

    url: str

    def client(self, **options: Any) -> Any:
        """An unmodified client without retries; one per set of options."""
        return _client(self.url, tuple(sorted(options.items())))

    def fault(self, kind: str, **options: Any) -> None:
        self.control("faults", {"kind": kind, **options})

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("calls")
        return found

    def reset(self) -> None:
        self.control("reset", {})

    def control(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_local/{path}", data=data, timeout=5) as answer:
            return json.loads(answer.read())


@cache
def _client(url: str, options: tuple[tuple[str, Any], ...]) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5, max_pool_connections=60)
    return boto3.Session().client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=CONFIG.access_key_id,
        aws_secret_access_key="secret",
        config=config.merge(Config(**dict(options))),
    )


@contextmanager
def serving(config: StackConfig = CONFIG) -> Iterator[LocalBedrock]:
    """Serve on a free port until the block ends, without the pause before answers."""
    ready, port = threading.Event(), 0
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        nonlocal port
        app = server.create_app(config)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        with patch.object(server, "LATENCY", 0.0):
            yield LocalBedrock(f"http://127.0.0.1:{port}")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()
