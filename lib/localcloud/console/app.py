"""The console's routes."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import calls, mailbox, overview, people, reference, render, requests, switches, timeline
from .sources import Refused, Unanswered
from .stage import Stage

Handler = Callable[["Console", web.Request], Awaitable[web.StreamResponse]]
_TYPES = {".css": "text/css", ".js": "text/javascript"}


def _said(handler: Handler) -> Handler:
    """Have a part that does not answer, or refuses, end in a page that says so."""

    @functools.wraps(handler)
    async def answer(console: "Console", request: web.Request) -> web.StreamResponse:
        try:
            return await handler(console, request)
        except Unanswered as error:
            # Not an error of the page's: its script goes on asking until the part is there.
            return render.page(request, "problem.html", title="Not there", problem=str(error))
        except Refused as error:
            status = 404 if error.status == 404 else 400
            return render.page(
                request, "problem.html", status=status, title="Not possible", problem=str(error)
            )

    return answer


class Console:
    """Handlers of the pages below `/_local/`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_local", self.overview),
            web.get("/_local/", self.overview),
            web.get("/_local/mailbox", self.mailbox),
            web.get("/_local/events", self.events),
            web.get("/_local/events/{id}", self.event),
            web.post("/_local/events/{id}/resend", self.resend),
            web.get("/_local/calls", self.calls),
            web.get("/_local/users", self.users),
            web.get("/_local/users/{id:.+}", self.user),
            web.get("/_local/logs", self.logs),
            web.get("/_local/logs/{id:.+}", self.log),
            web.get("/_local/switches", self.switches),
            web.post("/_local/switches/clock", self.move_clock),
            web.get("/_local/api", self.api),
            web.get("/_local/console/{name}", self.asset),
        ]

    async def close(self) -> None:
        await self._stage.sources.close()

    @_said
    async def overview(self, request: web.Request) -> web.StreamResponse:
        return render.page(request, "overview.html", **await overview.summary(self._stage))

    @_said
    async def mailbox(self, request: web.Request) -> web.StreamResponse:
        return render.page(request, "mailbox.html", **await mailbox.listing(self._stage))

    @_said
    async def events(self, request: web.Request) -> web.StreamResponse:
        values = await timeline.listing(self._stage, request.query)
        return render.page(request, "events.html", **values)

    @_said
    async def event(self, request: web.Request) -> web.StreamResponse:
        values = await timeline.one(self._stage, request.match_info["id"])
        return render.page(request, "event.html", done=request.query.get("done", ""), **values)

    @_said
    async def resend(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["id"]
        await timeline.resend(self._stage, identifier)
        raise web.HTTPSeeOther(timeline.address(identifier, done="sent"))

    @_said
    async def calls(self, request: web.Request) -> web.StreamResponse:
        user = request.query.get("user", "").strip()
        values = await calls.listing(self._stage, user)
        return render.page(request, "calls.html", filtered=user, **values)

    @_said
    async def users(self, request: web.Request) -> web.StreamResponse:
        search = request.query.get("q", "").strip()
        values = await people.listing(self._stage, search)
        return render.page(request, "users.html", **values)

    @_said
    async def user(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["id"]
        found = await people.one(self._stage, identifier)
        if found is None:
            raise Refused(f"The table holds no user {identifier}.", 404)
        claims = self._stage.signed_in(request) or {}
        here = claims.get("sub") == identifier
        return render.page(request, "user.html", signed_in=here, **found)

    async def logs(self, request: web.Request) -> web.StreamResponse:
        search = request.query.get("q", "").strip()
        return render.page(request, "logs.html", **requests.listing(self._stage, search))

    @_said
    async def log(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["id"]
        found = requests.one(self._stage, identifier)
        if found is None:
            raise Refused(f"Nothing is kept of a request {identifier}.", 404)
        return render.page(request, "log.html", **found)

    async def switches(self, request: web.Request) -> web.StreamResponse:
        return await self._switches(request, done=request.query.get("done", ""))

    async def move_clock(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        try:
            done = await switches.move(self._stage, form)
        except (Unanswered, Refused) as error:
            return await self._switches(request, problem=str(error))
        raise web.HTTPSeeOther(f"/_local/switches?done={done}")

    async def api(self, request: web.Request) -> web.StreamResponse:
        return render.page(request, "api.html", **reference.document(self._stage.openapi))

    async def asset(self, request: web.Request) -> web.StreamResponse:
        path = render.STATIC / request.match_info["name"]
        if path.suffix not in _TYPES or path.parent != render.STATIC or not path.is_file():
            return web.json_response({"message": "Not Found"}, status=404)
        return web.Response(
            body=path.read_bytes(),
            content_type=_TYPES[path.suffix],
            headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
        )

    async def _switches(
        self, request: web.Request, *, done: str = "", problem: str = ""
    ) -> web.Response:
        values: dict[str, Any] = await switches.state(self._stage)
        status = 400 if problem else 200
        return render.page(
            request, "switches.html", status=status, done=done, problem=problem, **values
        )


async def _form(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}
