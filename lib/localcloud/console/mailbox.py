"""Every mail that the stack has sent."""

from typing import Any

from .stage import Stage


async def listing(stage: Stage) -> dict[str, Any]:
    """All mails, the newest first. While local AWS does not answer there are none."""
    reachable = await stage.sources.is_up(stage.config.aws_url)
    return {"mails": await stage.mails() if reachable else [], "reachable": reachable}
