"""What handlers find in the application."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from localcloud.stripe.account import Account

ACCOUNT = web.AppKey("ACCOUNT", Account)
WAKE: web.AppKey[Callable[[], None]] = web.AppKey("WAKE", Callable)  # type: ignore[arg-type]
STOPPING = web.AppKey("STOPPING", asyncio.Event)
