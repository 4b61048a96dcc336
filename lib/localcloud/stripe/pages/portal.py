"""The Customer Portal at `/p/session/<id>`: which page is asked for, and which form was sent.

`?cancel=`, `?change=`, `?card=`, `?details=` and `?invoice=` are its pages, `?done=` says what has
been done. A session with a `flow` has one page only, and leads where `after_completion` says.
"""

import hmac
from collections.abc import Callable

from aiohttp import web

from localcloud.stripe.app_keys import WAKE
from localcloud.stripe.errors import StripeError
from localcloud.stripe.pages import (
    forms,
    portal_cancel,
    portal_cards,
    portal_change,
    portal_details,
    portal_home,
    portal_invoice,
    portal_visit,
    render,
)
from localcloud.stripe.pages.portal_visit import Visit
from localcloud.stripe.store import Obj

View = Callable[[Visit, dict[str, str], str | None], web.Response]
Action = Callable[[Visit, dict[str, str]], str | web.Response]
VIEWS: dict[str, View] = {
    "cancel": portal_cancel.ask,
    "change": portal_change.show,
    "card": portal_cards.form,
    "details": portal_details.form,
    "invoice": portal_invoice.show,
}
# what a form does, and the page that shows a refusal of it
ACTIONS: dict[str, tuple[Action, View]] = {
    "authenticate-card": (portal_cards.authenticate, portal_cards.form),
    "authenticate-change": (portal_change.authenticate, portal_change.again),
    "cancel": (portal_cancel.cancel, portal_home.show),
    "card": (portal_cards.add, portal_cards.form),
    "default": (portal_cards.default, portal_home.show),
    "details": (portal_details.save, portal_details.form),
    "keep": (portal_cancel.keep, portal_home.show),
    "pay-with": (portal_cards.pay_with, portal_cards.form),
    "remove": (portal_cards.remove, portal_home.show),
    "resume": (portal_cancel.resume, portal_home.show),
    "switch": (portal_change.switch, portal_change.show),
}
# the page that a flow consists of, and the forms that are sent from it
CHANGE = ("change", ("switch", "authenticate-change"))
FLOWS = {
    "payment_method_update": ("card", ("card", "authenticate-card")),
    "subscription_cancel": ("cancel", ("cancel",)),
    "subscription_update": CHANGE,
    "subscription_update_confirm": CHANGE,
}


async def show(request: web.Request) -> web.Response:
    """`GET /p/session/{id}`."""
    visit, session = portal_visit.find(request)
    if visit is None:
        return portal_visit.gone(session)
    if _over(visit):
        return _confirmation(visit)
    query = _query(visit, dict(request.query))
    names = (
        [FLOWS[visit.flow["type"]][0]] if visit.flow else [name for name in VIEWS if name in query]
    )
    view = VIEWS[names[0]] if names else portal_home.show
    try:
        return view(visit, query, None)
    except StripeError as error:
        return _refused(visit, error, "Nothing here")


def _query(visit: Visit, query: dict[str, str]) -> dict[str, str]:
    """What is asked for; in a flow it is about the flow's own subscription."""
    flow = visit.flow
    if flow is None:
        return query
    page, _ = FLOWS[flow["type"]]
    data = flow.get(flow["type"]) or {}
    if flow["type"] == "subscription_update_confirm":
        item = {name: str(value) for name, value in data["items"][0].items() if value is not None}
        query = {**query, "price": "", **item}
    return {**query, page: data.get("subscription", "new")}


async def act(request: web.Request) -> web.Response:
    """`POST /p/session/{id}/{secret}/{action}`: one transaction, then the page that follows."""
    fields = await forms.read(request)
    visit, session = portal_visit.find(request)
    secret = request.match_info["secret"]
    if visit is None:
        return portal_visit.gone(session)
    if not hmac.compare_digest(secret.encode(), visit.session["_secret"].encode()):
        return render.message(
            "Nothing was changed",
            "This form was not sent by your billing page.",
            link=visit.session["return_url"],
            status=404,
        )
    name = request.match_info["action"]
    action, view = ACTIONS[name]
    if _over(visit) or (visit.flow and name not in FLOWS[visit.flow["type"]][1]):
        return _refused(visit, portal_visit.refusal())
    try:
        with visit.work.store.transaction():
            outcome = action(visit, fields)
            if isinstance(outcome, str) and visit.flow:
                visit.work.update(visit.session, _done=outcome)
    except StripeError as error:
        return _again(request, view, fields, error)
    request.app[WAKE]()
    if isinstance(outcome, web.Response):
        return outcome
    raise web.HTTPSeeOther(_next(visit, outcome))


def _again(
    request: web.Request, view: View, fields: dict[str, str], error: StripeError
) -> web.Response:
    """The page with the refusal, as things are after nothing was changed."""
    visit, session = portal_visit.find(request)
    if visit is None:
        return portal_visit.gone(session)
    if error.status == 409:
        return _refused(visit, error)
    try:
        return view(visit, fields, error.message)
    except StripeError as second:
        return _refused(visit, second)


def _over(visit: Visit) -> bool:
    """Whether the session was for one thing only, and that is done."""
    return bool(visit.session.get("_done")) and _after(visit)["type"] != "portal_homepage"


def _after(visit: Visit) -> Obj:
    after: Obj = visit.session["flow"]["after_completion"]
    return after


def _next(visit: Visit, outcome: str) -> str:
    """Where the browser goes when a form has done what it should."""
    if visit.session.get("_done") and _after(visit)["redirect"]:
        return str(_after(visit)["redirect"]["return_url"])
    return f"{visit.home}?done={outcome}"


def _confirmation(visit: Visit) -> web.Response:
    """What a flow says when it is done, in the words of the session if it has any."""
    said = (_after(visit)["hosted_confirmation"] or {}).get("custom_message")
    notice = portal_home.NOTICES[visit.session["_done"]]
    return render.message(
        notice, said or "You can close this page.", link=visit.session["return_url"]
    )


def _refused(visit: Visit, error: StripeError, title: str = "Nothing was changed") -> web.Response:
    return render.message(
        title,
        error.message,
        link=visit.session["url"],
        label="Back to billing",
        status=409,
    )
