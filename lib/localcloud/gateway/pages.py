"""The built-in pages: the site that leads through the journey, and local sign-in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from localcloud.clock import Clock
from localcloud.config import StackConfig
from localcloud.console.render import page as console_page
from localcloud.console.wording import ahead

from .sessions import SessionCookie, has_session, open_session, read_claims, signed_in
from .templates import SCRIPT, STATIC, fragment, render

_SITE_PATHS = ("/", "/dashboard")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Pages:
    """Server-rendered pages without any asset from elsewhere."""

    def __init__(
        self,
        config: StackConfig,
        session_cookie: Callable[[], SessionCookie],
    ) -> None:
        self._config = config
        self._session_cookie = session_cookie
        self._clock = Clock(config.clock_file)
        self._policy = (
            "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; "
            f"form-action 'self'; frame-src 'self' {origin_of(config.stripe_public_url)} "
            f"http://localhost:{config.stripe_port}"
        )

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_local/signin", self.signin),
            web.post("/_local/signin", self.submit_signin),
            web.get("/_local/static/{name}", self.static),
        ]

    async def site(self, request: web.Request) -> web.StreamResponse:
        """The built-in site, when no frontend is configured."""
        if request.path in ("/favicon.ico", "/favicon.svg"):
            return _file("favicon.svg")
        if request.path not in _SITE_PATHS or request.method not in ("GET", "HEAD"):
            return self._page("missing.html", title="Nothing here", status=404, path=request.path)
        cookie = self._session_cookie()
        claims = signed_in(request, cookie)
        without = "ended" if has_session(request, cookie) else "false"
        return self._page(
            "site.html",
            title="Dashboard" if claims else "Groundwork",
            head=SCRIPT,
            bar=fragment(_ACCOUNT, email=claims.get("email") or claims["sub"]) if claims else "",
            clock=self._moved(),
            signed_in="true" if claims else without,
        )

    def _moved(self) -> str:
        """What the page's foot says of the clock, by which its dates and its session go."""
        offset = self._clock.offset
        return fragment(_MOVED, ahead=ahead(offset)) if offset else ""

    async def static(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["name"])

    async def signin(self, request: web.Request) -> web.StreamResponse:
        target = safe_path(request.query.get("callbackUrl"), self._config)
        return _signin_form(request, target)

    async def submit_signin(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        target = safe_path(form.get("callbackUrl"), self._config)
        cookie = self._session_cookie()
        try:
            claims = read_claims(
                {"sub": form.get("sub"), "email": form.get("email"), "name": form.get("name")},
                cookie.now(),
            )
        except ValueError:
            return _signin_form(request, target, error="Type an e-mail address.", **form)
        response = web.Response(status=303, headers={"Location": target})
        open_session(response, request, claims, cookie)
        return response

    def _page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        headers = {
            "Content-Security-Policy": self._policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }
        page = render(template, **values)
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)


_MOVED = """<span>The clock is $ahead ahead: <a href="/_local/switches">Switches</a></span>"""
_ACCOUNT = """<span class="who">$email</span>
<button class="quiet compact" type="button" id="sign-out">Sign out</button>"""


def _signin_form(
    request: web.Request, target: str, *, error: str = "", **form: str
) -> web.Response:
    values = {name: form.get(name, "") for name in ("name", "email", "sub")}
    status = 400 if error else 200
    return console_page(request, "signin.html", status=status, target=target, error=error, **values)


def safe_path(target: str | None, config: StackConfig) -> str:
    """A callback as a path of this site; `/` for anything that leads elsewhere.

    NextAuth passes absolute addresses, so those of this very site are accepted.
    """
    if not target or any(ord(character) <= 32 or character == "\\" for character in target):
        return "/"
    own = (config.site_url, f"http://127.0.0.1:{config.gateway_port}")
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        if f"{parts.scheme}://{parts.netloc}" not in own:
            return "/"
        target = parts._replace(scheme="", netloc="").geturl() or "/"
    return target if target.startswith("/") and not target.startswith("//") else "/"


def origin_of(url: str) -> str:
    """Scheme, host and port; a content security policy would take a path literally."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _file(name: str) -> web.StreamResponse:
    path = STATIC / name
    if path.suffix not in _TYPES or path.name != name or not path.is_file():
        return web.json_response({"message": "Not Found"}, status=404)
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], headers=headers)
