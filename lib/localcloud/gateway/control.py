"""The control endpoints under `/_local`: addresses, mail, payments, sessions, reset."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from localcloud.config import STARTING, StackConfig
from saas import json_text

from .control_messages import small_body
from .sessions import SessionCookie, clear_session, open_session, read_claims

_PUBLIC_ACTIONS = {
    "SignUp",
    "ConfirmSignUp",
    "ResendConfirmationCode",
    "InitiateAuth",
    "RespondToAuthChallenge",
    "ForgotPassword",
    "ConfirmForgotPassword",
    "ChangePassword",
    "GetUser",
    "GlobalSignOut",
    "RevokeToken",
}
_COGNITO = "AWSCognitoIdentityProviderService."


class Control:
    """Handlers of `/_local/*`. `reset` forgets all local state and provisions it anew."""

    def __init__(
        self,
        config: StackConfig,
        endpoints: Callable[[], dict[str, Any]],
        reset: Callable[[], Awaitable[None]],
        *,
        ready: Callable[[], bool],
        session_cookie: Callable[[], SessionCookie],
        further: Sequence[web.AbstractRouteDef] = (),
    ) -> None:
        self._config = config
        self._ready = ready
        self.session_cookie = session_cookie
        self._further = further
        self._endpoints = endpoints
        self._reset = reset
        self._session: ClientSession | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_local/endpoints", self.endpoints),
            web.get("/_local/mail", self.mail),
            web.post("/_local/pay", self.pay),
            web.post("/_local/reset", self.reset),
            web.post("/_local/cognito", self.cognito),
            web.post("/_local/session", self.open_session),
            web.delete("/_local/session", self.close_session),
            *self._further,
        ]

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def endpoints(self, _request: web.Request) -> web.StreamResponse:
        if not self._ready():
            # Half of the answer would be empty until local AWS is provisioned.
            message = {"message": STARTING}
            return web.json_response(
                message,
                status=503,
                headers={"Retry-After": "1"},
            )
        return web.json_response(self._endpoints())

    async def mail(self, request: web.Request) -> web.StreamResponse:
        target = f"{self._config.aws_url}/_local/mail"
        if request.query_string:
            target = f"{target}?{request.query_string}"
        return await self._forward("GET", target, "local AWS")

    async def mails(self, limit: int, before: str = "") -> list[dict[str, Any]]:
        """The newest mails of local AWS, or those before one; none while it does not answer."""
        target = f"/_local/mail?{urlencode({'limit': limit, 'before': before})}"
        answer = await self._forward("GET", f"{self._config.aws_url}{target}", "local AWS")
        found: list[dict[str, Any]] = json.loads(answer.body or b"[]")  # type: ignore[arg-type]
        return found if answer.status == 200 else []

    async def pay(self, request: web.Request) -> web.StreamResponse:
        body = await small_body(request)
        return await self._forward(
            "POST", f"{self._config.stripe_url}/_local/pay", "local Stripe", body=body
        )

    async def reset(self, _request: web.Request) -> web.StreamResponse:
        await self._reset()
        return web.json_response({"status": "ok"})

    async def cognito(self, request: web.Request) -> web.StreamResponse:
        """Pass on what a browser may ask a Cognito app client: the unsigned, public actions."""
        target = request.headers.get("X-Amz-Target", "")
        if not target.startswith(_COGNITO) or target.removeprefix(_COGNITO) not in _PUBLIC_ACTIONS:
            error = {
                "__type": "NotAuthorizedException",
                "message": f"Not a public action: {target}",
            }
            return web.json_response(error, status=400)
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return await self._forward(
            "POST",
            f"{self._config.aws_url}/",
            "local AWS",
            body=await small_body(request),
            headers=headers,
        )

    async def open_session(self, request: web.Request) -> web.StreamResponse:
        """Sign somebody in as NextAuth would: `{"sub", "email"?, "name"?}` sets the cookie."""
        cookie = self.session_cookie()
        try:
            claims = read_claims(json_text.read(await small_body(request) or b"{}"), cookie.now())
        except ValueError as error:
            return web.json_response({"message": str(error)}, status=400)
        response = web.Response(content_type="application/json")
        made = open_session(response, request, claims, cookie)
        response.text = json.dumps({"cookie": made, "sub": claims["sub"]})
        return response

    async def close_session(self, request: web.Request) -> web.StreamResponse:
        response = web.json_response({"status": "ok"})
        clear_session(response, request, self.session_cookie())
        return response

    async def _forward(
        self,
        method: str,
        url: str,
        part: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=60))
        sent = headers or {"Content-Type": "application/json"}
        try:
            async with self._session.request(method, url, data=body, headers=sent) as upstream:
                content = await upstream.read()
                return web.Response(
                    status=upstream.status, body=content, content_type="application/json"
                )
        except (ClientError, OSError, TimeoutError):
            message = f"{part} does not answer at {url}"
            return web.json_response({"message": message}, status=502)
