"""A function that fails as the body of a request asks, in the place of a real one."""

import json
import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wanted = json.loads(event.get("body") or "{}")
    match wanted.get("do"):
        case "raise":
            raise ValueError("asked to fail")
        case "exit":
            os._exit(3)
        case "sleep":
            time.sleep(wanted["seconds"])
        case "exhaust the memory":
            held = []
            while True:
                held.append(b"x" * 4_000_000)
    return {"pid": os.getpid(), "remaining": context.get_remaining_time_in_millis()}
