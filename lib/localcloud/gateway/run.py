"""The process of the part 'gateway'."""

import asyncio
import signal

from localcloud.config import StackConfig
from localcloud.process import die_with_parent

from .server import Gateway


def make_gateway(config: StackConfig) -> Gateway:
    """The gateway for this repository, or for what Terraform applied."""
    if config.applied:
        from localcloud.applied.gateway import AppliedGateway

        return AppliedGateway(config)
    return Gateway(config)


async def _run(config: StackConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = make_gateway(config)
    starting = asyncio.create_task(gateway.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)
        await gateway.stop()


def main(config: StackConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    die_with_parent()
    asyncio.run(_run(config))
