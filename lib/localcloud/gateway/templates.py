"""HTML of the built-in pages: one frame, values always escaped."""

import html
from pathlib import Path
from string import Template

STATIC = Path(__file__).with_name("static")
SCRIPT = '<script src="/_local/static/site.js" defer></script>'


class Markup(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def render(
    template: str,
    *,
    title: str,
    head: str = "",
    bar: str = "",
    clock: str = "",
    **values: object,
) -> str:
    """A page of the static folder in its frame.

    `head`, `bar` and `clock` (what its foot says of a moved clock) are HTML, `values` are text.
    """
    main = fragment((STATIC / template).read_text(), **values)
    frame = (STATIC / "frame.html").read_text()
    parts = {"head": Markup(head), "bar": Markup(bar), "clock": Markup(clock)}
    return fragment(frame, title=title, main=main, **parts)


def fragment(text: str, **values: object) -> Markup:
    """Fill `$name` places in a piece of HTML, escaping everything but Markup."""
    safe = {
        name: value if isinstance(value, Markup) else html.escape(str(value))
        for name, value in values.items()
    }
    return Markup(Template(text).substitute(safe))
