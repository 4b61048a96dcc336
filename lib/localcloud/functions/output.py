"""What a process writes, line by line."""

import asyncio
import os
from collections.abc import Callable


async def forward_lines(descriptor: int, say: Callable[[str], None]) -> None:
    """Say each line that is written to a pipe, until its last writer is gone; closes the pipe.

    Cancelled, it still says the line that has begun.
    """
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    rest = b""
    try:
        while chunk := await reader.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                say(line.decode(errors="replace").rstrip())
    finally:
        transport.close()
        if rest:
            say(rest.decode(errors="replace"))
