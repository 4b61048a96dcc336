"""`docs/local-stripe.md`: what the local Stripe has, told by its own registries.

Routes, parameters and refused parameters come from the resources, events from `event_types`, cards
from `cards`, levers from the server's routes, faults from their kinds, refused combinations from
the calls of `not_built`.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from localcloud import generated
from localcloud.config import ROOT
from localcloud.stripe import faults, resources, server, versions
from localcloud.stripe.cards import CARDS, TOKENS, TestCard
from localcloud.stripe.event_types import EVENTS
from localcloud.stripe.params import PAGE, Array, Enum, Hash, Only, Spec
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.index import RESOURCES

PATH = ROOT / "docs" / "local-stripe.md"
FEW = 6
"""Values of a parameter are shown if they are so few."""

HEAD = """\
# What the local Stripe has

Generated from its code by `make fix`; `make check` compares. How it behaves, where it differs from
Stripe, and how to extend it: [its README](../lib/localcloud/stripe/README.md).

API versions {oldest} to {newest}; {default} without a `Stripe-Version`
header. What Stripe has and is not listed here answers **501** and names itself; what Stripe has not
either gets the error that Stripe gives. Lists take `limit`, `starting_after` and `ending_before`,
and everything takes `expand`. `*` marks a required parameter; `=a/b` are the values it takes.
"""


def generate() -> str:
    """The page as text, stable from run to run."""
    known = sorted(versions.KNOWN)
    head = HEAD.format(oldest=known[0], newest=known[-1], default=versions.DEFAULT)
    shown = sorted(
        (each for each in RESOURCES if each.routes or each.kind in EVENTS),
        key=lambda each: each.kind,
    )
    parts = [head, _overview(shown), *map(_section, shown), _cards(), _levers(), _faults(), _gaps()]
    return "\n".join(parts)


def _table(*rows: tuple[str, ...]) -> str:
    """The first row is the head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def _code(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _overview(shown: list[Resource]) -> str:
    rows = [
        (
            f"[`{each.kind}`](#{_anchor(each)})",
            str(len(each.routes)),
            _code(EVENTS.get(each.kind, ())),
        )
        for each in shown
    ]
    return "## Objects\n\n" + _table(("Object", "Endpoints", "Events"), *rows)


def _anchor(resource: Resource) -> str:
    return resource.kind.replace(".", "")


def _section(resource: Resource) -> str:
    parts = [f"### `{resource.kind}`\n", f"{_about(resource)}\n"]
    if resource.routes:
        rows = [_endpoint(route) for route in resource.routes]
        parts.append(_table(("Endpoint", "Parameters", "Not built (501)"), *rows))
    if expandable := sorted([*resource.expandable, *resource.included]):
        parts.append(f"Expands: {_code(expandable)}.\n")
    if events := EVENTS.get(resource.kind):
        parts.append(f"Events: {_code(events)}.\n")
    return "\n".join(parts)


def _about(resource: Resource) -> str:
    """The first sentence of the module that makes the resource."""
    for found in pkgutil.iter_modules(resources.__path__, f"{resources.__name__}."):
        module = importlib.import_module(found.name)
        if found.name.endswith(".index"):
            continue
        if any(value is resource for value in vars(module).values()):
            return " ".join((module.__doc__ or "").partition("\n\n")[0].split())
    raise LookupError(f"no module of resources/ makes {resource.kind}")


def _endpoint(route: Route) -> tuple[str, str, str]:
    taken = [f"`{_parameter(n, s, route.params)}`" for n, s in _own(route.params)]
    return f"`{route.method} {route.template}`", ", ".join(taken), _code([*_refused(route.params)])


def _own(params: Hash) -> list[tuple[str, Spec]]:
    """Parameters other than those that every endpoint or list has."""
    return [(name, spec) for name, spec in params.fields.items() if PAGE.get(name) != spec]


def _parameter(name: str, spec: Spec, within: Hash) -> str:
    return name + ("*" if name in within.required else "") + _shape(spec)


def _shape(spec: Spec) -> str:
    if isinstance(spec, Only):
        since = f" from {spec.since}" if spec.since else ""
        return _shape(spec.spec) + since + (f" before {spec.until}" if spec.until < "9999" else "")
    if isinstance(spec, Array):
        return "[]" + _shape(spec.item)
    if isinstance(spec, Hash):
        inner = (_parameter(name, each, spec) for name, each in spec.fields.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(spec, Enum) and len(spec.words) <= FEW:
        return "=" + "/".join(spec.words)
    return ""


def _refused(params: Hash) -> Iterator[str]:
    """Names of parameters, and values of them, that Stripe has and this has not."""
    yield from params.unbuilt
    for name, spec in params.fields.items():
        yield from (f"{name}{rest}" for rest in _refused_of(spec))


def _refused_of(spec: Spec) -> Iterator[str]:
    if isinstance(spec, Only):
        yield from _refused_of(spec.spec)
    elif isinstance(spec, Array):
        yield from (f"[]{rest}" for rest in _refused_of(spec.item))
    elif isinstance(spec, Hash):
        yield from (f".{name}" for name in _refused(spec))
    elif isinstance(spec, Enum):
        yield from (f"={word}" for word in spec.unbuilt[:FEW])
        if len(spec.unbuilt) > FEW:
            yield "=…"


def _cards() -> str:
    rows = [
        (
            f"`{number}`",
            card.brand,
            _fate(card),
            _code([n for n, c in TOKENS.items() if c == number]),
        )
        for number, card in CARDS.items()
    ]
    return (
        "## Test cards\n\nBy number on pages and in `POST /_local/pay`; as `pm_card_<name>` and "
        "`tok_<name>` in the API.\n\n" + _table(("Number", "Brand", "What happens", "Names"), *rows)
    )


def _fate(card: TestCard) -> str:
    if card.authenticate:
        return {
            "once": "asks for 3-D Secure until it is set up for later use",
            "always": "asks for 3-D Secure at every payment",
        }[card.authenticate]
    if card.decline is None:
        disputed = card.dispute and f", then is disputed (`{card.dispute}`)"
        return "succeeds" + (disputed or "")
    code, decline_code, _ = card.decline
    when = ", but only when it is charged: it can be saved" if card.attaches else ""
    return f"`{code}`" + (f" (`{decline_code}`)" if decline_code else "") + when


def _levers() -> str:
    app = web.Application()
    server.add_routes(app)
    levers: dict[tuple[str, str], list[str]] = {}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path.startswith("/_local/") and route.method != "HEAD":
            levers.setdefault((path, _sentence(route.handler.__doc__)), []).append(route.method)
    rows = [(f"`{'/'.join(methods)} {path}`", does) for (path, does), methods in levers.items()]
    return (
        "## Levers\n\nWhat Stripe has not, or has as a button of its dashboard. JSON, no key; only "
        "this machine's own pages may call them.\n\n" + _table(("Lever", "What it does"), *rows)
    )


def _sentence(docstring: str | None) -> str:
    if not docstring:
        raise LookupError("a lever's handler has no docstring to tell what it does")
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def _faults() -> str:
    rows = [
        (
            f"`{part}`",
            f"`{name}`",
            _code([f"{each}={of.default}" for each, of in kind.settings.items()]),
            kind.effect,
        )
        for part, kinds in faults.PARTS.items()
        for name, kind in kinds.items()
    ]
    return (
        "## Faults\n\nWhat `POST /_local/faults` takes as `part` and `kind`, with their own "
        "settings and what these are unless given; whom a fault strikes, and what follows from "
        "it: [the README](../lib/localcloud/stripe/README.md#faults).\n\n"
        + _table(("Part", "Kind", "Settings", "Effect"), *rows)
    )


def _gaps() -> str:
    rows = sorted(set(_refused_combinations()))
    return "## Other things that answer 501\n\n" + "".join(f"- {row}\n" for row in rows)


def _refused_combinations() -> Iterator[str]:
    """What the code names, word for word, when it refuses by `not_built`."""
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("not_built"), args=[ast.Constant(str(what))]):
                    yield what


def main(check: bool) -> int:
    """Write the page, or with `check` only compare; returns the process's exit code."""
    return generated.keep(PATH, generate(), "the local Stripe", check=check)
