"""What the gateway hands to the console."""

from typing import TYPE_CHECKING

from localcloud.console.sources import Sources
from localcloud.console.stage import Stage

from .control import Control
from .sessions import signed_in

if TYPE_CHECKING:
    from .server import Gateway


def stage_of(gateway: "Gateway", control: Control) -> Stage:
    """The console's view of a gateway and its stack."""
    return Stage(
        config=gateway.config,
        endpoints=gateway.endpoints,
        functions=gateway.running,
        openapi=gateway.parts.openapi,
        journal=gateway.journal,
        clock=gateway.clock,
        mails=control.mails,
        signed_in=lambda request: signed_in(request, gateway.session_cookie()),
        sources=Sources(gateway.config),
    )
