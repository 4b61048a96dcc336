"""The first page: what runs, at which time, what is armed, and what happened last."""

import asyncio
import platform
from importlib.metadata import version
from itertools import islice
from typing import Any

from localcloud.stripe.versions import DEFAULT

from . import faults, switches, timeline
from .sources import Refused, Unanswered
from .stage import Stage

NEWEST = 6


async def summary(stage: Stage) -> dict[str, Any]:
    """The facts of the page; a part that does not answer is shown so."""
    parts, clock, armed, events, mails = await asyncio.gather(
        _parts(stage),
        switches.clock(stage),
        faults.state(stage),
        _events(stage),
        stage.mails(NEWEST),
    )
    return {
        "parts": parts,
        "clock": clock,
        "faults": armed,
        "events": events,
        "mails": mails,
        "calls": list(islice(stage.journal.calls(), NEWEST)),
        "functions": list(stage.functions()),
        "containers": bool(stage.config.emulators),
        "config": stage.config,
        "python": platform.python_version(),
    }


async def _parts(stage: Stage) -> list[dict[str, Any]]:
    """Every part: its address as others reach it, what is in it, and whether it answers."""
    config, sources = stage.config, stage.sources
    rows = [
        ("Site and API", config.site_url, "the gateway", f"http://127.0.0.1:{config.gateway_port}"),
        ("AWS", config.aws_public_url, f"moto {version('moto')}, repaired", config.aws_url),
        ("Stripe", config.stripe_public_url, f"API {DEFAULT}", config.stripe_url),
        ("Bedrock", config.bedrock_public_url, "Converse, embeddings", config.bedrock_url),
        ("Lambda", config.control_public_url, "the Invoke API", config.control_url),
    ]
    up = await asyncio.gather(*(sources.is_up(direct) for *_, direct in rows))
    return [
        {"name": name, "address": address, "what": what, "up": answers}
        for (name, address, what, _), answers in zip(rows, up, strict=True)
    ]


async def _events(stage: Stage) -> list[dict[str, Any]]:
    try:
        return await timeline.newest(stage, NEWEST, {})
    except (Unanswered, Refused):
        return []
