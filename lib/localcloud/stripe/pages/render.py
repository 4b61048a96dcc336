"""HTML answers: one template folder, everything escaped, nothing loaded from elsewhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from localcloud.stripe.currency import text as text_of
from localcloud.stripe.nouns import random_text
from localcloud.stripe.store import Obj

TEMPLATES = Path(__file__).with_name("templates")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(
    name: str, status: int = 200, *, framers: Sequence[str] = (), **values: Any
) -> web.Response:
    """A page from a template. Only the origins of `framers` may frame it."""
    nonce = random_text(22)
    frames = " ".join(framers) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        f"img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors {frames}"
    )
    return web.Response(
        status=status,
        text=_environment().get_template(name).render(nonce=nonce, **values),
        content_type="text/html",
        charset="utf-8",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            # A stricter one would have a page's own forms sent with `Origin: null`.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


def message(
    title: str,
    text: str,
    *,
    link: str | None = None,
    label: str = "Return to site",
    status: int = 200,
    framers: Sequence[str] = (),
) -> web.Response:
    """A page that only says something; `label` names where its `link` leads."""
    values = {"title": title, "text": text, "link": link, "label": label}
    return page("message.html", status, framers=framers, **values)


def described(line: Obj) -> str:
    """What an invoice line is for; what somebody made by hand need not say so."""
    return line["description"] or "Invoice item"


def money(amount: int, currency: str) -> str:
    """`$29.00` or `−$29.00`; `amount` is in minor units."""
    return f"{'−' if amount < 0 else ''}{text_of(abs(amount), currency)}"


def every(price: Obj) -> str:
    """`per month`, `every 3 months`, or nothing for a one-time price."""
    if not price["recurring"]:
        return ""
    count, interval = price["recurring"]["interval_count"], price["recurring"]["interval"]
    return f"per {interval}" if count == 1 else f"every {count} {interval}s"


def day(moment: int) -> str:
    """`March 5, 2027`, in UTC."""
    then = datetime.fromtimestamp(moment, UTC)
    return f"{then:%B} {then.day}, {then.year}"
