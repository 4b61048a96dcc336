"""Who may talk to each port of a stack.

Whatever opens a port takes its guard from here. `docs/development.md` says it in words.
"""

import re

from .config import StackConfig
from .guard import LOOPBACK, Guard

PROGRAMS_ONLY = Guard()
"""The Runtime API of a function: no page may call it, and no other name leads there."""

_STRIPE_PAGES = r"/c/pay/[^/]+|/i/[^/]+/[^/]+|/p/session/[^/]+"
_STRIPE_FRAMES = r"/c/embed/[^/]+"
# The site's pages are the frontend's or the built-in ones; below these two lie the API and the
# console, which no other site has a reason to open. Signing in is where a frontend leads to.
_SITE_PAGES = r"/(?!(?:backend|_local)(?:/|$)).*|/_local/signin"
_CONSOLE_PAGES = r"/_local/?|/_local/(?:mailbox|events|calls|users|logs|switches|api)(?:/.*)?"


def gateway_guard(config: StackConfig) -> Guard:
    """The site's port; with `one_port`, Stripe's pages lie behind it, too."""
    pages, frames = _SITE_PAGES, ""
    if config.one_port:
        pages = rf"{pages}|/_local/stripe(?:{_STRIPE_PAGES})"
        frames = rf"/_local/stripe(?:{_STRIPE_FRAMES})"
    return Guard(
        names=_names(config),
        origins=config.site_origins,
        has_pages=True,
        pages=re.compile(pages, re.DOTALL),
        frames=re.compile(frames or r"(?!)"),
        typed=re.compile(_CONSOLE_PAGES),
    )


def aws_guard(config: StackConfig) -> Guard:
    """The site's pages upload to S3, and sign in at Cognito."""
    return Guard(_names(config), _further_ports(config), origins=config.site_origins)


def stripe_guard(config: StackConfig) -> Guard:
    """Links and frames of the site lead to the pages; only the pages themselves post."""
    return Guard(
        _names(config),
        _further_ports(config),
        origins=config.site_origins,
        has_pages=True,
        pages=re.compile(_STRIPE_PAGES),
        frames=re.compile(_STRIPE_FRAMES),
    )


def programs_guard(config: StackConfig) -> Guard:
    """Bedrock and Lambda's Invoke API, which no page calls."""
    return Guard(_names(config), _further_ports(config))


def _names(config: StackConfig) -> tuple[str, ...]:
    return (*LOOPBACK, *config.service_names)


def _further_ports(config: StackConfig) -> tuple[int, ...]:
    """A request through the gateway's port keeps its `Host`, which S3 clients sign."""
    return (config.gateway_port,) if config.one_port else ()
