"""Where the console's facts come from: the parts of the stack, asked over HTTP."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from localcloud.config import HOST, StackConfig
from saas.attributes import unmarshal

ASK_SECONDS = 15.0
MOVE_SECONDS = 600.0

Item = dict[str, Any]


class Unanswered(Exception):
    """A part does not answer, or has nothing yet; the text is a sentence for the page."""


class Refused(Exception):
    """A part would not do it; the text is its own sentence."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Rows:
    """A page of items; `total` and `sums` are of all that fit, `older` is where the next begins."""

    items: list[Item]
    total: int
    sums: dict[str, int]
    older: str


class Sources:
    """Questions to local AWS, to local Stripe and to the gateway's own control endpoints."""

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        self._session: ClientSession | None = None

    async def stripe(self, path: str, *, post: bool = False) -> Any:
        """What local Stripe answers. Raises Unanswered, Refused."""
        url = f"{self._config.stripe_url}{path}"
        return await self._ask("POST" if post else "GET", url, "Local Stripe")

    async def control(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What a control endpoint of this gateway answers. Raises Unanswered, Refused."""
        url = f"http://{HOST}:{self._config.gateway_port}{path}"
        seconds = ASK_SECONDS if method == "GET" else MOVE_SECONDS
        return await self._ask(method, url, "The gateway", body, seconds=seconds)

    async def _ask(
        self, method: str, url: str, part: str, body: Any = None, *, seconds: float = ASK_SECONDS
    ) -> Any:
        """What a part answers to a request in JSON. Raises Unanswered, Refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        timeout = ClientTimeout(total=seconds)
        try:
            async with self._client().request(
                method, url, data=data, headers=headers, timeout=timeout
            ) as response:
                answer = await response.json(content_type=None)
                status = response.status
        except (ClientError, OSError, TimeoutError, ValueError):
            raise Unanswered(f"{part} does not answer at {url}.") from None
        if status >= 400:
            raise Refused(_sentence(answer) or f"{part} answered {status}.", status)
        return answer

    async def is_up(self, url: str) -> bool:
        """Whether a part answers `/_health`."""
        try:
            async with self._client().get(f"{url}/_health") as response:
                return response.status == 200
        except (ClientError, OSError, TimeoutError):
            return False

    async def rows(self, table: str, pk: str, **question: Any) -> Rows:
        """Items of a partition, or of many, as `localcloud.aws.items.Question` says.

        Raises Unanswered; with `after`, also Refused.
        """
        answer = await self._items({"table": table, "pk": pk, **question})
        items = [unmarshal(raw) for raw in answer["Items"]]
        return Rows(items, answer["total"], answer["sums"], answer["after"] or "")

    async def by_keys(self, table: str, keys: Iterable[tuple[str, str]]) -> list[Item]:
        """Those items of these keys that exist. Raises Unanswered."""
        if not (asked := list(dict.fromkeys(keys))):
            return []
        answer = await self._items({"table": table, "keys": asked})
        return [unmarshal(raw) for raw in answer["Items"]]

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _items(self, question: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._config.aws_url}/_local/items"
        try:
            answer = await self._ask("POST", url, "Local AWS", question)
        except Refused as error:
            if error.status == 400 and (after := question.get("after")):
                raise Refused(f"No page of this list begins at {after}.", 400) from None
            if error.status == 404:
                sentence = f"The table {question['table']} does not exist yet."
            else:
                sentence = f"Local AWS refused to read the table: {error}"
            raise Unanswered(sentence) from None
        if not isinstance(answer, dict) or "Items" not in answer:
            raise Unanswered("Local AWS does not answer as DynamoDB does.")
        return answer

    def _client(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=ASK_SECONDS))
        return self._session


def _sentence(answer: Any) -> str:
    """The message of an error in the shape of the gateway, of Stripe or of local Bedrock."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    return str(error or answer.get("message") or "")
