"""What a form's submission led to, said on the page that the browser is sent to next."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

KEPT = 50
PARAMETER = "said"


@dataclass(frozen=True)
class Notice:
    """A sentence; `bad` when nothing was done."""

    text: str
    bad: bool = False


class Notices:
    """The last few, by the id that the next address carries; an address cannot make up others."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Notice] = OrderedDict()

    def redirect(self, path: str, notice: Notice) -> web.HTTPSeeOther:
        """The answer that leads to a page with a notice on it."""
        identifier = secrets.token_urlsafe(6)
        self._kept[identifier] = notice
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return web.HTTPSeeOther(f"{path}?{urlencode({PARAMETER: identifier})}")

    def of(self, request: web.Request) -> Notice | None:
        """The notice that a request's address names, if it is still kept."""
        return self._kept.get(request.query.get(PARAMETER, ""))
