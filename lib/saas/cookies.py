"""Cookies of a request, and the lines of an answer that end one wherever it was planted.

Source: RFC 6265, sections 5.1.3 (domains), 5.1.4 (paths) and 5.3 (a cookie is replaced by one of
the same name, domain and path). A sibling subdomain may set a cookie for the parent domain, and any
path.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

# CloudFront refuses answers with more than about 20 KB of headers.
MAX_LINES = 60
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")


def of(event: dict[str, Any], headers: dict[str, str]) -> list[tuple[str, str]]:
    """All cookies as (name, value): API Gateway moves them into `cookies`, others may not.

    Args:
        event: an HTTP API event.
        headers: its headers by their names in lower case.
    """
    texts = [*(event.get("cookies") or []), *headers.get("cookie", "").split(";")]
    pairs = [text.strip(" \t").partition("=") for text in texts]
    return [(name, value) for name, equals, value in pairs if equals]


def ending(names: Iterable[str], origins: Iterable[str], path: str) -> list[str]:
    """`Set-Cookie` lines that end cookies of these names on every domain and path they can be on.

    A browser ignores those for domains that are not its page's. Empty when they would be too many.

    Args:
        origins: the sites that these cookies may belong to.
        path: of the request; a cookie that came with it has a path that this one begins with.
    """
    domains = sorted({domain for origin in origins for domain in _domains(origin)})
    lines = [
        _ending(name, where, domain)
        for name in sorted(set(names))
        for where in _paths(path)
        for domain in ("", *domains)
    ]
    return lines if len(lines) <= MAX_LINES else []


def _ending(name: str, path: str, domain: str) -> str:
    line = f"{name}=; Max-Age=0; Path={path}; HttpOnly; SameSite=Lax"
    # A browser ignores a prefixed cookie without the attribute, also one that is to end it.
    line += "; Secure" if name.startswith("__") else ""
    return f"{line}; Domain={domain}" if domain else line


def _domains(origin: str) -> Iterator[str]:
    """The site's host and the domains above it; none for an address or a name without a dot."""
    host = urlsplit(origin).hostname or ""
    while _DOMAIN.fullmatch(host):
        yield host
        host = host.partition(".")[2]


def _paths(path: str) -> list[str]:
    """Every path of a cookie that a request for this path brings along."""
    found = ["/"]
    if _PATH.fullmatch(path):
        place = path.find("/", 1)
        while place > 0:
            found += [path[:place], path[: place + 1]]
            place = path.find("/", place + 1)
        found.append(path)
    return list(dict.fromkeys(found))
