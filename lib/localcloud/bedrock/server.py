"""The server of local Bedrock, and its control paths below `/_local`."""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from localcloud.bedrock import (
    constraints,
    converse,
    embeddings,
    eventstream,
    faults,
    models,
    signature,
)
from localcloud.bedrock.converse import Reply
from localcloud.bedrock.errors import BedrockError
from localcloud.bedrock.faults import Disconnect
from localcloud.bedrock.permissions import Permissions
from localcloud.config import HOST, StackConfig
from localcloud.faults import Faults
from localcloud.guard_aiohttp import HEADER_ROOM, middleware
from localcloud.ports import programs_guard
from saas import json_text

MAX_BODY_BYTES = 25 * 1024 * 1024
CALLS_KEPT = 1_000
# Seconds before an answer and between the deltas of a stream: short, but visible to people.
LATENCY = 0.08
DELTA_PAUSE = 0.012

# Converse is authorised as InvokeModel.
INVOKE = "bedrock:InvokeModel"
INVOKE_STREAMING = "bedrock:InvokeModelWithResponseStream"
FAULT_METHODS = ("GET", "POST", "DELETE")

Operation = Callable[[web.Request, str, Any], Awaitable[web.StreamResponse]]


def main(config: StackConfig) -> None:
    """Serve local Bedrock on `config.bedrock_port` until SIGTERM or SIGINT."""
    from localcloud.process import die_with_parent

    die_with_parent()
    web.run_app(
        create_app(config),
        host=HOST,
        port=config.bedrock_port,
        print=None,
        access_log=None,
        handle_signals=True,
        reuse_address=True,
        shutdown_timeout=0.5,
        **HEADER_ROOM,
    )


def create_app(config: StackConfig) -> web.Application:
    """The application; its state lives in memory."""
    guard = middleware(programs_guard(config))
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard])
    app.on_startup.append(_read_service_model)
    bedrock = LocalBedrock(Permissions(config))
    app.add_routes(
        [
            web.get("/_health", _health),
            web.get("/_local/calls", bedrock.list_calls),
            *(web.route(method, "/_local/faults", bedrock.faults) for method in FAULT_METHODS),
            web.post("/_local/reset", bedrock.reset),
            web.post(
                "/model/{model:.+}/converse",
                bedrock.operation("Converse", bedrock.converse, INVOKE),
            ),
            web.post(
                "/model/{model:.+}/converse-stream",
                bedrock.operation("ConverseStream", bedrock.converse_stream, INVOKE_STREAMING),
            ),
            web.post(
                "/model/{model:.+}/invoke",
                bedrock.operation("InvokeModel", bedrock.invoke, INVOKE),
            ),
            web.route("*", "/{rest:.*}", bedrock.unknown),
        ]
    )
    return app


class LocalBedrock:
    """The operations, the calls they answered and the faults they shall suffer."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions
        self._calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT)
        self._faults = Faults({faults.PART: faults.KINDS})

    def operation(
        self, name: str, run: Operation, action: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A route's handler: who may do `action`, JSON, errors in Bedrock's form, faults."""

        async def handle(request: web.Request) -> web.StreamResponse:
            request_id = str(uuid.uuid4())
            model = unquote(request.match_info["model"])
            try:
                signature.require(request.headers)
                await self._permissions.require(request.headers, action, model)
                body = _json_of(await request.read())
                await faults.before_answer(self._faults, f"{name} {model}")
                response = await run(request, model, body)
            except BedrockError as error:
                return error.response(request_id)
            except Disconnect:
                faults.cut_off(request)
                return web.Response(status=500)
            if not response.prepared:
                response.headers["x-amzn-RequestId"] = request_id
            return response

        return handle

    async def converse(self, _request: web.Request, model_id: str, body: Any) -> web.StreamResponse:
        """`Converse`."""
        started = time.perf_counter()
        reply = converse.reply_to(model_id, body)
        await asyncio.sleep(LATENCY)
        self._record("Converse", model_id, body, reply)
        answer = converse.whole(reply, _elapsed_ms(started))
        sent = faults.after_answer(self._faults, f"Converse {model_id}", answer)
        return _json(sent) if sent is not None else web.Response(content_type="application/json")

    async def converse_stream(
        self, request: web.Request, model_id: str, body: Any
    ) -> web.StreamResponse:
        """`ConverseStream`; what it refuses, it refuses before the first event."""
        started = time.perf_counter()
        reply = converse.reply_to(model_id, body)
        deltas = converse.pieces(reply)
        broken = faults.stream_break(self._faults, f"ConverseStream {model_id}", len(deltas))
        response = web.StreamResponse(
            headers={
                "Content-Type": eventstream.CONTENT_TYPE,
                "x-amzn-RequestId": str(uuid.uuid4()),
            }
        )
        await asyncio.sleep(LATENCY)
        await response.prepare(request)
        await response.write(converse.opening())
        for delta in deltas[: broken.after] if broken else deltas:
            await response.write(delta)
            await asyncio.sleep(DELTA_PAUSE)
        if broken:
            return await broken.end(request, response)
        for message in converse.closing(reply, _elapsed_ms(started)):
            await response.write(message)
        self._record("ConverseStream", model_id, body, reply)
        return response

    async def invoke(self, _request: web.Request, model_id: str, body: Any) -> web.StreamResponse:
        """`InvokeModel` of the embedding model."""
        started = time.perf_counter()
        models.require_embedding_model(model_id)
        answer = embeddings.embed(body)
        count = answer["inputTextTokenCount"]
        usage = {"inputTokens": count, "outputTokens": 0, "totalTokens": count}
        self._append("InvokeModel", model_id, usage, {})
        headers = {
            "X-Amzn-Bedrock-Input-Token-Count": str(count),
            "X-Amzn-Bedrock-Invocation-Latency": str(_elapsed_ms(started)),
        }
        return _json(answer, headers)

    async def list_calls(self, _request: web.Request) -> web.Response:
        """Answered calls, newest first, without their texts."""
        return web.json_response(list(reversed(self._calls)))

    async def faults(self, request: web.Request) -> web.Response:
        """What is armed; arming; disarming."""
        body = await request.read()
        status, answer = self._faults.answer(request.method, request.rel_url.raw_query_string, body)
        return web.json_response(answer, status=status)

    async def reset(self, _request: web.Request) -> web.Response:
        """Forget calls and faults."""
        self._calls.clear()
        self._faults.forget()
        return web.json_response({"status": "ok"})

    async def unknown(self, _request: web.Request) -> web.Response:
        return BedrockError(
            "UnknownOperationException", "Local Bedrock does not implement this operation."
        ).response(str(uuid.uuid4()))

    def _record(self, name: str, model_id: str, body: Any, reply: Reply) -> None:
        details = {
            "stopReason": reply.stop_reason,
            "requestMetadata": body.get("requestMetadata") or {},
            "inferenceConfig": body.get("inferenceConfig") or {},
        }
        self._append(name, model_id, reply.usage, details)

    def _append(
        self, name: str, model_id: str, usage: dict[str, int], details: dict[str, Any]
    ) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        call = {"operation": name, "model": model_id, "usage": usage, "at": moment}
        self._calls.append(call | details)


async def _read_service_model(_app: web.Application) -> None:
    """So that the first call does not wait for it."""
    asyncio.get_running_loop().run_in_executor(None, constraints.input_shape, "Converse")


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _json_of(raw: bytes) -> Any:
    try:
        return json_text.read(raw or b"{}")
    except ValueError as error:
        raise BedrockError("SerializationException", "Unable to parse the request body") from error


def _json(value: Any, headers: dict[str, str] | None = None) -> web.Response:
    """A success as Bedrock sends it: the content type names no charset."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return web.Response(body=body, headers={"Content-Type": "application/json", **(headers or {})})


def _elapsed_ms(started: float) -> int:
    return max(1, round((time.perf_counter() - started) * 1000))
