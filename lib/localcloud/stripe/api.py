"""One API request: key → version → route → idempotency → parameters → transaction → answer."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from localcloud.faults import Fault
from localcloud.stripe import faults, form, idempotency, versions
from localcloud.stripe.errors import StripeError, invalid, not_built
from localcloud.stripe.expand import expand
from localcloud.stripe.nouns import new_id
from localcloud.stripe.registry import Route
from localcloud.stripe.work import Work

if TYPE_CHECKING:
    from localcloud.stripe.account import Account

NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
    "https://stripe.com/docs/api#authentication for details, or we can help at "
    "https://support.stripe.com/."
)
BASIC = {"WWW-Authenticate": 'Basic realm="Stripe"'}
WRONG_TYPE = (
    "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If "
    "you have any questions, we can help at https://support.stripe.com/."
)


@dataclass(frozen=True)
class Request:
    """An HTTP request, reduced to what the API looks at. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def call(self) -> str:
        """What faults know it by."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, JSON text and headers.

    It is never sent if `cut_after` is set: the connection ends so many seconds later.
    """

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: float | None = None


def answer(account: "Account", request: Request) -> Answer:
    """Serve one request to `/v1/…`. Never raises for anything a caller can send."""
    request_id = new_id("request")
    headers = {"Request-Id": request_id}
    cut: Fault | None = None
    try:
        _authenticate(account.secret_key, request.headers.get("authorization", ""))
        version = versions.check(request.headers.get("stripe-version") or versions.DEFAULT)
        headers["Stripe-Version"] = version
        cut = faults.in_front(account.faults, request.call)
        if cut and cut.kind == "disconnect_before":
            return Answer(0, "", cut_after=cut.settings["seconds"])
        work = account.work(version=version, request_id=request_id)
        status, body = _serve(account, work, request, headers)
    except StripeError as error:
        status, body = error.status, json.dumps(error.body(), indent=2)
        headers |= error.headers
    return Answer(status, body, headers, cut.settings["seconds"] if cut else None)


def _authenticate(secret_key: str, header: str) -> None:
    scheme, _, credential = header.strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() == "basic":
        try:
            credential = base64.b64decode(credential, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            credential = ""
    elif scheme.lower() != "bearer":
        credential = ""
    if not credential:
        raise StripeError(401, NO_KEY, headers=BASIC)
    if not hmac.compare_digest(credential.encode(), secret_key.encode()):
        shown = credential[:8] + "*" * max(0, len(credential) - 12) + credential[8:][-4:]
        raise StripeError(401, f"Invalid API Key provided: {shown[:120]}", headers=BASIC)


def _serve(
    account: "Account", work: Work, request: Request, headers: dict[str, str]
) -> tuple[int, str]:
    found = account.router.find(request.method, request.path)
    if found is None:
        raise not_built(f"{request.method} {request.path}")
    route, ids = found
    raw = _raw_params(request)
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key:
        idempotency.check_key(key)
        work.idempotency_key = key
        headers["Idempotency-Key"] = key
    call = idempotency.Call(request.method, request.path, raw)
    with work.store.transaction():
        account.catch_up(work)
        if key and (stored := idempotency.replay(work, call)):
            headers["Idempotent-Replayed"] = "true"
            headers["Original-Request"] = stored.request_id
            status, body = stored.status, stored.body
        else:
            params = route.params.parse(raw, "", work.version) or {}
            run = partial(_run, work, route, params, ids)
            status, body = faults.at_endpoint(account.faults, request.call, run)
            if key:
                idempotency.remember(work, call, status, body)
    if key and status == 500:
        headers[faults.SHOULD_RETRY] = "false"  # the key holds it: a repetition changes nothing
    return status, body


def _raw_params(request: Request) -> form.Form:
    if request.body and request.method == "POST":
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in ("", "application/x-www-form-urlencoded"):
            raise invalid(WRONG_TYPE)
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        raise invalid("Invalid request: the body is not valid UTF-8.") from None
    return form.decode(request.query, "" if request.method == "GET" else body)


def _run(work: Work, route: Route, params: dict[str, Any], ids: dict[str, str]) -> tuple[int, str]:
    """Run the endpoint; what it had changed is undone when it refuses, but its answer is kept."""
    paths = params.pop("expand", [])
    try:
        with work.store.savepoint():
            result = expand(work, route.handler(work, params, **ids), paths)
    except StripeError as error:
        return error.status, json.dumps(error.body(), indent=2)
    return 200, json.dumps(versions.render(result, work.version))
