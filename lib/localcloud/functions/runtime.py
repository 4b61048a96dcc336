"""Lambda's Python runtime for a laptop: fetches events, calls the handler, posts the results.

Started as `python -P runtime.py <module.attribute>` with `AWS_LAMBDA_RUNTIME_API` set. It speaks
the documented Runtime API ("Using the Lambda runtime API for custom runtimes") and imports the
standard library only: `awslambdaric` has no wheels outside Linux, and a function process must carry
nothing that its container would not.
"""

import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from typing import Any

_BASE = "/2018-06-01/runtime"
Handler = Callable[[Any, Any], Any]


class Context:
    """What AWS documents as the Python context object."""

    def __init__(self, request_id: str, arn: str, deadline_ms: int, client: str | None) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = json.loads(client) if client else None
        self.identity = None
        self.tenant_id = None
        # Counted from here by a clock that nobody moves.
        self._ends = time.monotonic() + deadline_ms / 1000 - time.time()

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._ends - time.monotonic()) * 1000), 0)


class RuntimeApi:
    """One kept-open connection to the launcher's Runtime API, `host:port` or `host:port/path`."""

    def __init__(self, address: str) -> None:
        host, slash, path = address.partition("/")
        self._connection = HTTPConnection(host)
        self._base = f"{slash}{path}{_BASE}"

    def next(self) -> tuple[Any, bytes]:
        """Wait for an invocation: its response headers and the event as JSON bytes."""
        self._connection.request("GET", f"{self._base}/invocation/next")
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise HTTPException(f"dismissed by the launcher ({response.status})")
        return response.headers, body

    def post(self, path: str, body: bytes, error_type: str | None = None) -> int:
        headers = {"Content-Type": "application/json"}
        if error_type:
            headers["Lambda-Runtime-Function-Error-Type"] = error_type
        self._connection.request("POST", f"{self._base}/{path}", body, headers)
        response = self._connection.getresponse()
        response.read()
        return response.status


class _LogFormatter(logging.Formatter):
    """Lambda's text log format, with the id of the invocation under way."""

    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = super().format(record)
        return f"[{record.levelname}]\t{stamp}.{int(record.msecs):03d}Z\t{self.request_id}\t{text}"


def _encode(value: Any) -> bytes:
    """JSON as `awslambdaric` makes it on Python 3.11, where all but ASCII is escaped.

    That decides how large a response is: a Chinese character takes 6 bytes of Lambda's 6 MB. What
    `simplejson` does otherwise than `json`: bytes are text, named tuples objects, and `Decimal`s
    numbers with all their digits.
    """
    if isinstance(value, bytes):
        return value
    return "".join(_pieces(value, [])).encode()


def _pieces(value: Any, within: list[int]) -> Iterator[str]:
    if value is None or isinstance(value, str | int | float):
        yield json.dumps(value)
    elif isinstance(value, bytes):
        yield json.dumps(str(value, "utf-8"))
    elif isinstance(value, Decimal):
        yield "NaN" if value.is_nan() else str(value)
    elif isinstance(value, dict | list | tuple) or hasattr(value, "_asdict"):
        if id(value) in within:
            raise ValueError("Circular reference detected")
        within.append(id(value))
        yield from _members(value._asdict() if hasattr(value, "_asdict") else value, within)
        within.pop()
    else:
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _members(value: Any, within: list[int]) -> Iterator[str]:
    is_object = isinstance(value, dict)
    yield "{" if is_object else "["
    for number, member in enumerate(value.items() if is_object else value):
        yield ", " if number else ""
        if is_object:
            yield _key(member[0])
        yield from _pieces(member[1] if is_object else member, within)
    yield "}" if is_object else "]"


def _key(key: Any) -> str:
    """A member's name: what `json` makes of any that it takes."""
    if isinstance(key, bytes):
        key = str(key, "utf-8")
    if key is not None and not isinstance(key, str | int | float):
        kind = type(key).__name__
        raise TypeError(f"keys must be str, int, float, bool or None, not {kind}")
    return json.dumps({key: 0})[1:-2]


def _describe(error: BaseException, skip: int) -> dict[str, Any]:
    """An error as Lambda reports it, without the frames of this runtime."""
    frames = traceback.extract_tb(error.__traceback__)[skip:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }


def load(handler: str) -> Handler:
    """Import `module.attribute`; raises whatever importing it raises, or AttributeError."""
    module_name, _, attribute = handler.replace("/", ".").rpartition(".")
    module = importlib.import_module(module_name)
    function: Handler = getattr(module, attribute)
    return function


def _load_or_report(api: RuntimeApi, handler: str) -> Handler:
    """The handler; when it cannot be imported, Lambda is told why and the process ends."""
    module, _, attribute = handler.replace("/", ".").rpartition(".")
    try:
        return load(handler)
    except Exception as error:
        kind, message = _init_failure(error, module, attribute)
        trace = "".join(traceback.format_exception(error))
        found = {**_describe(error, 2), "errorType": kind, "errorMessage": message, "trace": trace}
        api.post("init/error", _encode(found), kind)
        sys.exit(1)


def _init_failure(error: Exception, module: str, attribute: str) -> tuple[str, str]:
    """Error type and message as Lambda's own runtime words them."""
    if isinstance(error, ImportError):
        return "Runtime.ImportModuleError", f"Unable to import module '{module}': {error}"
    if isinstance(error, SyntaxError):
        return "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}"
    if isinstance(error, AttributeError) and f"'{attribute}'" in str(error):
        missing = f"Handler '{attribute}' missing on module '{module}'"
        return "Runtime.HandlerNotFound", missing
    return f"Runtime.{type(error).__name__}", str(error)


def serve(api: RuntimeApi, handler: Handler, formatter: _LogFormatter) -> None:
    """Handle one invocation after the other, for ever."""
    while True:
        headers, event = api.next()
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        formatter.request_id = request_id
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"] or ""
        context = Context(
            request_id,
            headers["Lambda-Runtime-Invoked-Function-Arn"],
            int(headers["Lambda-Runtime-Deadline-Ms"]),
            headers["Lambda-Runtime-Client-Context"],
        )
        error_type, body = _invoke(handler, event, context)
        sys.stdout.flush()
        sys.stderr.flush()
        outcome = "error" if error_type else "response"
        api.post(f"invocation/{request_id}/{outcome}", body, error_type)


def _invoke(handler: Handler, event: bytes, context: Context) -> tuple[str | None, bytes]:
    try:
        result = handler(json.loads(event), context)
    except Exception as error:
        found = {**_describe(error, 1), "requestId": context.aws_request_id}
        sys.stdout.write(f"[ERROR] {traceback.format_exc()}")
        return found["errorType"], _encode(found)
    try:
        return None, _encode(result)
    except Exception as error:
        found = {
            "errorMessage": f"Unable to marshal response: {error}",
            "errorType": "Runtime.MarshalError",
            "requestId": context.aws_request_id,
            "stackTrace": [],
        }
        sys.stdout.write(f"[ERROR] Runtime.MarshalError: {found['errorMessage']}\n")
        return "Runtime.MarshalError", _encode(found)


def _die_with_parent() -> None:
    """Leave nothing behind when the launcher is killed, even in the middle of a busy handler."""
    parent = os.getppid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(handler: str) -> None:
    _die_with_parent()
    formatter = _LogFormatter()
    stream = logging.StreamHandler(sys.stdout)
    stream.setFormatter(formatter)
    logging.getLogger().addHandler(stream)
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        serve(api, _load_or_report(api, handler), formatter)
    except (HTTPException, ConnectionError):
        # The launcher has gone or has dismissed this process: there is nobody left to tell.
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
