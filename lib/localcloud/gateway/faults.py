"""`/_local/faults` of the gateway: the faults of all parts, each of which keeps its own.

What a fault may be is the business of the part that suffers it; `localcloud.faults` says how one is
armed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from localcloud.config import StackConfig
from saas import json_text

from .control_messages import refused, small_body

_SECONDS = 10.0
_NAMES = {
    "stripe": "local Stripe",
    "webhooks": "local Stripe",
    "bedrock": "local Bedrock",
    "aws": "local AWS",
}
"""Parts that can fail, in the order in which they are shown, and who stands for each."""


_ANSWERS = {"GET": {"armed"}, "POST": {"id", "message"}, "DELETE": {"disarmed"}}
"""What tells the answer of a part from somebody else's."""


class PartDown(Exception):
    """A part does not answer; the text is a sentence."""


class FaultSwitch:
    """Handlers of `/_local/faults`."""

    def __init__(self, config: StackConfig) -> None:
        self._servers = {
            "stripe": config.stripe_url,
            "webhooks": config.stripe_url,
            "bedrock": config.bedrock_url,
            "aws": config.aws_url,
        }

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_local/faults", self.listing),
            web.post("/_local/faults", self.arm),
            web.delete("/_local/faults", self.disarm),
        ]

    async def listing(self, _request: web.Request) -> web.Response:
        """What is armed and what was spent, part by part, and which parts do not answer.

        `{"armed", "spent", "down": [{"part", "message"}]}`.
        """
        answers, down = await self._everybody("GET")
        merged = {
            kept: [fault for answer in answers for fault in answer[kept]]
            for kept in ("armed", "spent")
        }
        return web.json_response({**merged, "down": down})

    async def arm(self, request: web.Request) -> web.Response:
        """Hand `{"part", "kind", …}` to the part; its answer."""
        body = await small_body(request)
        try:
            wanted = json_text.read(body or b"null")
        except ValueError:
            return refused(400, "The body is not valid JSON.")
        if not isinstance(wanted, dict):
            return refused(400, "A fault is a JSON object.")
        return await self._handed_on(wanted.get("part"), "POST", body=body)

    async def disarm(self, request: web.Request) -> web.Response:
        """Disarm all faults, those of `?part=`, or the one of `?part=` and `?id=`."""
        query = {name: request.query[name] for name in ("part", "id") if name in request.query}
        if "part" in query:
            return await self._handed_on(query["part"], "DELETE", query)
        if "id" in query:
            return refused(400, "Parts count their faults alike: name the part, too (?part=&id=).")
        answers, down = await self._everybody("DELETE")
        disarmed = sum(answer["disarmed"] for answer in answers)
        return web.json_response({"disarmed": disarmed, "down": down})

    async def _handed_on(
        self, part: Any, method: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> web.Response:
        if not isinstance(part, str) or part not in self._servers:
            return refused(400, f"part must be one of {', '.join(sorted(self._servers))}.")
        try:
            status, answer = await self._ask(part, method, query, body)
        except PartDown as error:
            return refused(502, str(error))
        return web.json_response(answer, status=status)

    async def _everybody(self, method: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        """The answers of all parts about their own faults, and who gives none."""
        asked = [self._ask(part, method, {"part": part}) for part in self._servers]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found, down = [], []
        for part, answer in zip(self._servers, answers, strict=True):
            if isinstance(answer, PartDown):
                down.append({"part": part, "message": str(answer)})
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append(answer[1])
        return found, down

    async def _ask(
        self, part: str, method: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a part's own `/_local/faults`. Raises PartDown."""
        url = f"{self._servers[part]}/_local/faults"
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=_SECONDS)) as session,
                session.request(method, url, params=query, data=body or None) as answer,
            ):
                found = await answer.json()
        except (ClientError, OSError, TimeoutError, ValueError):
            raise PartDown(f"{_NAMES[part]} does not answer at {url}") from None
        if not isinstance(found, dict) or not _ANSWERS[method] & found.keys():
            raise PartDown(f"{_NAMES[part]} does not speak of faults at {url}")
        return answer.status, found
