"""A handler that fails as asked, mounted into an image beside the real code."""

import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    match event.get("do"):
        case "raise":
            raise ValueError("asked to fail")
        case "exit":
            os._exit(3)
        case "sleep":
            time.sleep(event["seconds"])
        case "allocate":
            held = bytearray(event["bytes"])
            held[::4096] = b"x" * len(held[::4096])
    return {"answered": event.get("do"), "process": os.getpid()}
