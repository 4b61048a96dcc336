"""The HTTP server of the local Stripe: API, pages and control on one port of 127.0.0.1."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from localcloud.config import HOST, StackConfig
from localcloud.guard_aiohttp import HEADER_ROOM, middleware
from localcloud.ports import stripe_guard
from localcloud.process import die_with_parent
from localcloud.stripe import (
    api,
    clock_control,
    control,
    event_log,
    fault_control,
    faults,
    lifecycle,
    retry_control,
)
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT, STOPPING, WAKE
from localcloud.stripe.errors import StripeError, not_built
from localcloud.stripe.nouns import new_id
from localcloud.stripe.pages import routes as pages
from localcloud.stripe.webhooks import Courier

LARGEST_BODY = 1024 * 1024
TICK_SECONDS = 0.5
LOG = logging.getLogger(__name__)


def create_app(config: StackConfig) -> web.Application:
    """The whole local Stripe. Its storage is opened now and closed with the application."""
    account = Account(config)
    control.prepare(account)
    guards = [middleware(stripe_guard(config)), _in_stripes_words]
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=guards)
    app[ACCOUNT] = account
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_stop_waiting)
    add_routes(app)
    courier = Courier(account)
    app[WAKE] = courier.wake

    async def run(_: web.Application) -> AsyncIterator[None]:
        await courier.start()
        ticker = asyncio.create_task(_tick(account, courier))
        yield
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker
        await courier.stop()
        account.store.close()

    app.cleanup_ctx.append(run)
    return app


def add_routes(app: web.Application) -> None:
    """Health, levers, pages, and the API for everything else."""
    app.router.add_get("/_health", control.handle_health)
    app.router.add_post("/_local/pay", control.handle_pay)
    app.router.add_post("/_local/roll", control.handle_roll)
    app.router.add_post("/_local/reset", control.handle_reset)
    app.router.add_get("/_local/events", event_log.handle_listing)
    app.router.add_get("/_local/events/{id}", event_log.handle_one)
    app.router.add_post("/_local/events/{id}/resend", event_log.handle_resend)
    app.router.add_get("/_local/retries", retry_control.handle_show)
    app.router.add_post("/_local/retries", retry_control.handle_set)
    app.router.add_get("/_local/clock", clock_control.handle_show)
    app.router.add_post("/_local/clock", clock_control.handle_move)
    for method in ("GET", "POST", "DELETE"):
        app.router.add_route(method, "/_local/faults", fault_control.handle)
    pages.add_to(app)
    app.router.add_route("*", "/{path:.*}", _handle_api)


async def _stop_waiting(app: web.Application) -> None:
    app[STOPPING].set()


async def _tick(account: Account, courier: Courier) -> None:
    """Let deadlines happen although nobody asks."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        work = account.work()
        try:
            if not account.moving and account.store.next_due(work.now):
                with account.store.transaction():
                    lifecycle.catch_up(work)
                courier.wake()
        except Exception:
            LOG.exception("stripe: a deadline failed")


@web.middleware
async def _in_stripes_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stripe's shape for what no handler answers: too large, wrong method, a fault of ours."""
    try:
        return await handler(request)
    except StripeError as refusal:
        error = refusal
    except web.HTTPRequestEntityTooLarge:
        error = StripeError(413, f"The request body is larger than {LARGEST_BODY} bytes.")
    except web.HTTPMethodNotAllowed as wrong:
        error = StripeError(405, f"{request.path} does not answer {wrong.method}.")
    except web.HTTPException:
        raise
    except Exception as fault:
        LOG.exception("stripe: %s %s failed", request.method, request.path)
        error = StripeError(
            500, f"The local Stripe has a fault: {type(fault).__name__}.", kind="api_error"
        )
    return web.json_response(
        error.body(), status=error.status, headers={"Request-Id": new_id("request")}
    )


def _no_route(request: web.Request) -> web.Response:
    """Stripe's API v2 is not built; anything else outside `/v1` Stripe has not either."""
    refusal = not_built(f"{request.method} {request.path}")
    if not request.path.startswith("/v2/"):
        message = (
            f"Unrecognized request URL ({request.method}: {request.path}). Please see "
            "https://stripe.com/docs or we can help at https://support.stripe.com/."
        )
        refusal = StripeError(404, message)
    headers = {faults.SHOULD_RETRY: "false"}
    return web.json_response(refusal.body(), status=refusal.status, headers=headers)


async def _handle_api(request: web.Request) -> web.Response:
    if not request.path.startswith("/v1/"):
        return _no_route(request)
    account = request.app[ACCOUNT]
    asked = api.Request(
        method=request.method,
        path=request.path,
        query=request.rel_url.raw_query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
    await fault_control.pause(request, faults.latency(account.faults, asked.call))
    answer = api.answer(account, asked)
    request.app[WAKE]()
    if answer.cut_after is not None:
        await fault_control.pause(request, answer.cut_after)
        fault_control.cut_off(request)
        return web.Response(status=500)
    return web.Response(
        status=answer.status,
        text=answer.body,
        headers=answer.headers,
        content_type="application/json",
    )


def main(config: StackConfig) -> None:
    """Serve on `config.stripe_port` until SIGTERM or SIGINT."""
    die_with_parent()
    asyncio.run(_serve(config))


async def _serve(config: StackConfig) -> None:
    runner = web.AppRunner(create_app(config), access_log=None, **HEADER_ROOM)
    await runner.setup()
    site = web.TCPSite(runner, HOST, config.stripe_port, reuse_address=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await site.start()
        await stop.wait()
    finally:
        await runner.cleanup()
