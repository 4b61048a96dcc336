"""The console's routes."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from . import (
    calls,
    faults,
    mailbox,
    overview,
    people,
    reference,
    render,
    requests,
    switches,
    timeline,
)
from .notices import Notice, Notices
from .paging import PARAMETER
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
            return _problem(request, str(error))
        except Refused as error:
            return _problem(request, str(error), status=404 if error.status == 404 else 400)

    return answer


def _problem(request: web.Request, words: str, status: int = 200) -> web.Response:
    passing = status == 200
    title = "Not there yet" if passing else "Not found" if status == 404 else "Not possible"
    return render.page(
        request, "problem.html", status=status, title=title, problem=words, passing=passing
    )


class Console:
    """Handlers of the pages below `/_local/`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._notices = Notices()

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
            web.post("/_local/switches/faults", self.arm),
            web.post("/_local/switches/disarm", self.disarm),
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
        return render.page(
            request, "mailbox.html", **await mailbox.listing(self._stage, _before(request))
        )

    @_said
    async def events(self, request: web.Request) -> web.StreamResponse:
        values = await timeline.listing(self._stage, request.query)
        return render.page(request, "events.html", **values)

    @_said
    async def event(self, request: web.Request) -> web.StreamResponse:
        values = await timeline.one(self._stage, request.match_info["id"])
        return self._page(request, "event.html", **values)

    async def resend(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["id"]
        notice = await _done(timeline.resend(self._stage, identifier))
        raise self._notices.redirect(timeline.address(identifier), notice)

    @_said
    async def calls(self, request: web.Request) -> web.StreamResponse:
        user = request.query.get("user", "").strip()
        values = await calls.listing(self._stage, user, _before(request))
        return render.page(request, "calls.html", filtered=user, **values)

    @_said
    async def users(self, request: web.Request) -> web.StreamResponse:
        search = request.query.get("q", "").strip()
        values = await people.listing(self._stage, search, _before(request))
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
        values = await switches.state(self._stage)
        return self._page(request, "switches.html", **values)

    async def move_clock(self, request: web.Request) -> web.StreamResponse:
        notice = await _done(switches.move(self._stage, await _form(request)))
        raise self._notices.redirect("/_local/switches", notice)

    async def arm(self, request: web.Request) -> web.StreamResponse:
        notice = await _done(faults.arm(self._stage, await _form(request)))
        raise self._notices.redirect("/_local/switches", notice)

    async def disarm(self, request: web.Request) -> web.StreamResponse:
        notice = await _done(faults.disarm(self._stage, await _form(request)))
        raise self._notices.redirect("/_local/switches", notice)

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

    def _page(self, request: web.Request, name: str, **values: Any) -> web.Response:
        """A page that forms lead to, with what came of them."""
        return render.page(request, name, notice=self._notices.of(request), **values)


def _before(request: web.Request) -> str:
    """Where the wanted page of a list begins; empty for the first."""
    return request.query.get(PARAMETER, "").strip()


async def _done(action: Awaitable[str]) -> Notice:
    """What an action says of itself, or why it was not done."""
    try:
        return Notice(await action)
    except (Unanswered, Refused) as error:
        return Notice(str(error), bad=True)


async def _form(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}
