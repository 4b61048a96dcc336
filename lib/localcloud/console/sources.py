"""Where the console's facts come from: the parts of the stack, asked over HTTP."""

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from localcloud.config import HOST, OWN_AGENT, StackConfig
from saas.attributes import marshal, unmarshal

ASK_SECONDS = 15.0
MOVE_SECONDS = 600.0
PAGES = 20
"""A scan reads so many pages of 1 MB at most."""

Item = dict[str, Any]


class Unanswered(Exception):
    """A part does not answer, or has nothing yet; the text is a sentence for the page."""


class Refused(Exception):
    """A part would not do it; the text is its own sentence."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Begins:
    """Items whose keys begin so; an empty sort key begin means any."""

    pk: str
    sk: str = ""


class Sources:
    """Questions to local AWS, to local Stripe and to the gateway's own control endpoints."""

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        self._session: ClientSession | None = None
        self._dynamo: Any = None
        self._making = threading.Lock()

    async def stripe(self, path: str, *, post: bool = False) -> Any:
        """What local Stripe answers. Raises Unanswered, Refused."""
        url = f"{self._config.stripe_url}{path}"
        return await self.ask("POST" if post else "GET", url, "Local Stripe")

    async def control(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What a control endpoint of this gateway answers. Raises Unanswered, Refused."""
        url = f"http://{HOST}:{self._config.gateway_port}{path}"
        return await self.ask(method, url, "The gateway", body)

    async def ask(self, method: str, url: str, part: str, body: Any = None) -> Any:
        """What a part answers to a request in JSON. Raises Unanswered, Refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        timeout = ClientTimeout(total=ASK_SECONDS if method == "GET" else MOVE_SECONDS)
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

    async def query(
        self, table: str, begins: Begins, *, limit: int | None = None, newest_first: bool = False
    ) -> list[Item]:
        """Items of one partition (`begins.pk` is the whole key). Raises Unanswered."""
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": marshal({":pk": begins.pk}),
            "ScanIndexForward": not newest_first,
        }
        if begins.sk:
            request["KeyConditionExpression"] += " AND begins_with(sk, :sk)"
            request["ExpressionAttributeValues"] |= marshal({":sk": begins.sk})
        if limit:
            request["Limit"] = limit
        return await self._pages("query", request, 1 if limit else PAGES)

    async def scan(self, table: str, begins: Begins) -> list[Item]:
        """Items of the whole table whose keys begin so, in no order. Raises Unanswered."""
        request = {
            "TableName": table,
            "FilterExpression": "begins_with(pk, :pk) AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": marshal({":pk": begins.pk, ":sk": begins.sk}),
        }
        return await self._pages("scan", request, PAGES)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def _pages(self, operation: str, request: dict[str, Any], most: int) -> list[Item]:
        found: list[Item] = []
        for _ in range(most):
            answer = await self._dynamodb(operation, request)
            found += [unmarshal(raw) for raw in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    async def _dynamodb(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(self._read_table, operation, request)

    def _read_table(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._table_client(), operation)(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                sentence = f"The table {request['TableName']} does not exist yet."
            else:
                sentence = f"Local AWS refused to read the table: {code}."
            raise Unanswered(sentence) from None
        except BotoCoreError:
            raise Unanswered(f"Local AWS does not answer at {self._config.aws_url}.") from None
        if "Items" not in answer:
            raise Unanswered("Local AWS does not answer as DynamoDB does.")
        return answer

    def _table_client(self) -> Any:
        """boto3's client, made once: importing it takes longer than the gateway's start."""
        with self._making:
            if self._dynamo is None:
                import boto3
                from botocore.config import Config

                config = self._config
                self._dynamo = boto3.client(
                    "dynamodb",
                    endpoint_url=config.aws_url,
                    region_name=config.region,
                    aws_access_key_id=config.access_key_id,
                    aws_secret_access_key=config.secret_access_key,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        connect_timeout=2,
                        read_timeout=ASK_SECONDS,
                        proxies={},
                        user_agent_extra=OWN_AGENT,
                    ),
                )
            return self._dynamo

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
