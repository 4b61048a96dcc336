"""What every request of a page begins with."""

from aiohttp import web

from localcloud.stripe.app_keys import ACCOUNT, WAKE
from localcloud.stripe.work import Work


def begin(request: web.Request) -> Work:
    """The work of a request, after everything whose time has come; its events are sent."""
    account = request.app[ACCOUNT]
    work = account.work()
    with account.store.transaction():
        account.catch_up(work)
    request.app[WAKE]()
    return work
