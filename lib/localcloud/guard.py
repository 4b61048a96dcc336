"""Which requests a local port answers. One decision for every port; the standard library alone.

The ports listen on loopback, but a browser on this machine also runs other sites' scripts. They
reach a port by its address (a form, an image, a script's request, a WebSocket), or by a name of
their own that suddenly resolves to 127.0.0.1 (DNS rebinding). `Host` tells the second, `Origin` and
`Sec-Fetch-Site`, which no script can set, tell the first. Programs send neither of these two.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_NOBODY = re.compile(r"(?!)")
_SHOWN = 200


@dataclass(frozen=True)
class Asked:
    """A request before its body is read.

    `target` and `headers` are as they came; `path` is decoded, as the server's own routes see it;
    `port` is the one that the request arrived at.
    """

    method: str
    target: bytes
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    port: int

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        wanted = name.lower().encode()
        return [
            value.decode("utf-8", "replace").strip()
            for each, value in self.headers
            if each.lower() == wanted
        ]


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: an HTTP status and a sentence for whoever sent it."""

    status: int
    message: str


@dataclass(frozen=True)
class Guard:
    """Who may talk to one port.

    `names` and `further_ports` are what may stand in `Host`, besides the port itself. `origins` are
    sites elsewhere that may call; a port with `has_pages` may be called by its own. A link on any
    site may open `pages`, and any site may ask to frame `frames`, whose own policy says who really
    can. A typed address opens these, and `typed`. All are matched with the whole path, and nothing
    that they name may change anything.
    """

    names: Sequence[str] = LOOPBACK
    further_ports: Sequence[int] = ()
    origins: Sequence[str] = ()
    has_pages: bool = False
    pages: re.Pattern[str] = _NOBODY
    frames: re.Pattern[str] = _NOBODY
    typed: re.Pattern[str] = _NOBODY

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why `asked` is refused; None if it is not. Nothing of a refused request may be done."""
        if unreadable := _unreadable(asked):
            return Refusal(400, f"{unreadable} is not UTF-8: send it in UTF-8, or as ASCII.")
        reason = self._host(asked) or self._origin(asked) or self._site(asked)
        return Refusal(403, reason) if reason else None

    def hosts(self, port: int) -> list[str]:
        """What `Host` may be at a port; 80 need not be written."""
        ports = (port, *self.further_ports)
        written = [f"{name}:{each}" for each in ports for name in self.names]
        return [*written, *(self.names if 80 in ports else ())]

    def _host(self, asked: Asked) -> str | None:
        values, expected = asked.values("Host"), self.hosts(asked.port)
        if len(values) == 1 and values[0].lower() in expected:
            return None
        said = "There is no Host header" if not values else "The Host header appears twice"
        if len(values) == 1:
            said = f"The Host header names {_shown(values[0])}, which is no address of this port"
        return f"{said}. Use http://{expected[0]} instead."

    def _origin(self, asked: Asked) -> str | None:
        own = [f"http://{host}" for host in self.hosts(asked.port)] if self.has_pages else []
        allowed = list(dict.fromkeys([*own, *self.origins]))
        for origin in asked.values("Origin"):
            if origin.lower() not in allowed:
                return (
                    f"The Origin header says that a page of {_shown(origin) or 'nowhere'} sent "
                    f"this, and {_callers(allowed)}. Call it from a program without an Origin "
                    "header instead."
                )
        return None

    def _site(self, asked: Asked) -> str | None:
        if asked.values("Origin"):
            # It names an allowed site, which is more than `cross-site` says.
            return None
        for site in asked.values("Sec-Fetch-Site"):
            match site.lower():
                case "same-origin":
                    continue
                case "none":
                    passes = self._shows_a_page(asked)
                case _:
                    passes = self._opens_a_page(asked)
            if not passes:
                return f"The Sec-Fetch-Site header ({_shown(site)}) says that {self._advice(asked)}"
        return None

    def _advice(self, asked: Asked) -> str:
        if self._shows_a_page(asked):
            return (
                "a page of another site sent this. Type the address into the browser's address "
                "bar, or call it from a program."
            )
        return (
            "a browser sent this, and no page of this port's own made it do so. Call it from a "
            "program, such as curl."
        )

    def _shows_a_page(self, asked: Asked) -> bool:
        """Whether somebody may have typed the address.

        `none` does not prove it: a browser also says it where the site whose address was typed
        redirects to here, and when such a page is loaded again.
        """
        shown = (self.pages, self.frames, self.typed)
        return asked.method in ("GET", "HEAD") and any(each.fullmatch(asked.path) for each in shown)

    def _opens_a_page(self, asked: Asked) -> bool:
        if asked.method != "GET" or asked.values("Sec-Fetch-Mode") != ["navigate"]:
            return False
        match asked.values("Sec-Fetch-Dest"):
            case ["document"]:
                return self.pages.fullmatch(asked.path) is not None
            case ["iframe"]:
                return self.frames.fullmatch(asked.path) is not None
        return False


def _unreadable(asked: Asked) -> str | None:
    """What of a request is no UTF-8."""
    if not _is_utf8(asked.target):
        return "The request line"
    for name, value in asked.headers:
        if not _is_utf8(name):
            return "The name of a header"
        if not _is_utf8(value):
            return f"The header {name.decode()}"
    return None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _callers(allowed: Sequence[str]) -> str:
    return f"only {', '.join(allowed)} may call this port" if allowed else "no page may call it"


def _shown(value: str) -> str:
    """A header's value for a sentence: one line of bounded length."""
    return re.sub(r"[^\x21-\x7e]", "?", value)[:_SHOWN]
