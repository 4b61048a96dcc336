"""The console's HTML: one frame, everything escaped, nothing from elsewhere, one part live."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import wording

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
LIVE_HEADER = "X-Live"
NAVIGATION = (
    ("Overview", "/_local/"),
    ("Mailbox", "/_local/mailbox"),
    ("Stripe", "/_local/events"),
    ("AI calls", "/_local/calls"),
    ("Users", "/_local/users"),
    ("Logs", "/_local/logs"),
    ("Switches", "/_local/switches"),
    ("API", "/_local/api"),
    ("Sign in", "/_local/signin"),
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("usd", "cents", "count", "when", "day", "lasting", "ahead", "spans"):
        environment.filters[name] = getattr(wording, name)
    environment.globals["navigation"] = NAVIGATION
    environment.globals["ui"] = environment.get_template("parts.html").module
    return environment


def page(request: web.Request, name: str, /, *, status: int = 200, **values: Any) -> web.Response:
    """A page from a template, or, for the page's own script, what is live of it.

    The script sends the tag of what it shows in `X-Live` and gets `{"page", "tag", "html"}`, with
    null for HTML that has not changed.
    """
    template = _environment().get_template(name)
    values = {"path": request.path, **values}
    live = ""
    if "live" in template.blocks:
        live = "".join(template.blocks["live"](template.new_context(values)))
    tag = hashlib.sha256(live.encode()).hexdigest()[:16]
    if (shown := request.headers.get(LIVE_HEADER)) is not None:
        answer = {"page": name, "tag": tag, "html": None if shown == tag else live}
        return web.json_response(answer, status=status, headers=HEADERS)
    live_html = Markup(live)  # noqa: S704 - the template's own, escaped where it was made
    text = template.render(values, page=name, live_html=live_html, tag=tag)
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)
