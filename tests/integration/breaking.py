"""Arms faults at local AWS, and disarms them when a test ends."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.aws_fixtures import LocalAws


class Breaker:
    """The lever `/_local/faults` of a local AWS."""

    def __init__(self, aws: LocalAws) -> None:
        self._url = f"{aws.config.aws_url}/_local/faults"

    def arm(self, kind: str, on: str = "*", **settings: Any) -> dict[str, Any]:
        return self.ask("POST", {"kind": kind, "on": on, **settings})

    def shown(self) -> dict[str, Any]:
        return self.ask("GET")

    def struck(self) -> int:
        """How many calls the only fault, which must be spent by now, has struck."""
        shown = self.shown()
        assert shown["armed"] == []
        return int(shown["spent"][0]["struck"])

    def disarm(self) -> None:
        self.ask("DELETE")

    def ask(self, method: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url, data, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@pytest.fixture
def breaker(aws: LocalAws) -> Iterator[Breaker]:
    made = Breaker(aws)
    yield made
    made.disarm()
