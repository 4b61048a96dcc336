"""Every mail that the stack has sent."""

from typing import Any

from .paging import Pages
from .stage import Stage

SHOWN = 50


async def listing(stage: Stage, before: str = "") -> dict[str, Any]:
    """A page of mails, the newest first. While local AWS does not answer there are none."""
    reachable = await stage.sources.is_up(stage.config.aws_url)
    mails = await stage.mails(SHOWN + 1, before) if reachable else []
    older = mails[SHOWN - 1]["id"] if len(mails) > SHOWN else ""
    return {
        "mails": mails[:SHOWN],
        "reachable": reachable,
        "pages": Pages.of("/_local/mailbox", {}, before, older),
    }
