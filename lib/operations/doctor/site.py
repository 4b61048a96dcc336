"""The site: is it one host for people and API, and does Stripe's delivery arrive?"""

from collections.abc import Iterator
from functools import partial
from urllib.parse import urljoin, urlsplit

from operations.doctor.subject import Subject, looked
from operations.findings import Finding, ok, problem, warning
from operations.web import Answer, Unreachable, request
from saas.stripe_contract import WEBHOOK_PATH

_HOST = "the site's host"
_SAME = "same-origin API"
_DELIVERY = "webhook delivery"


def check(subject: Subject) -> Iterator[Finding]:
    """Over the public address, as browsers and Stripe go there."""
    site = subject.outputs.get("site_url")
    if not site:
        yield warning(_HOST, "nothing is deployed, so there is no address to look at")
        return
    yield looked(_HOST, partial(pages, site))
    yield looked(_SAME, partial(same_origin, site))
    yield looked(_DELIVERY, partial(delivery, site))


def pages(site: str) -> Finding:
    """Whether people stay on the configured host: cookies and origins belong to it alone."""
    try:
        answer = request("GET", site)
    except Unreachable as error:
        return problem(_HOST, str(error), "check DNS, the certificate and the frontend's host")
    led = _location(site, answer)
    if led and urlsplit(led).netloc != urlsplit(site).netloc:
        return problem(
            _HOST, f"{site} sends people on to {led}, another origin",
            f"set site_url to the address that people end at ({_origin(led)}) and deploy",
        )  # fmt: skip
    if answer.status >= 500:
        return problem(_HOST, f"{site} answers {answer.status}", "see the frontend's own logs")
    if answer.status >= 400:
        return warning(_HOST, f"{site} answers {answer.status}", "is the frontend deployed there?")
    return ok(_HOST, f"{site} answers {answer.status}")


def same_origin(site: str) -> Finding:
    """Whether `/backend/*` of the same host is the API; session cookies go nowhere else."""
    url = f"{site}/backend/health/users"
    remedy = "let the site's host forward /backend/* to the API (output api_url), path unchanged"
    try:
        answer = request("GET", url)
    except Unreachable as error:
        return problem(_SAME, str(error), remedy)
    if led := _location(url, answer):
        return problem(_SAME, f"{url} redirects to {led}, so the API is elsewhere", remedy)
    content = answer.json()
    if not isinstance(content, dict) or "success" not in content:
        return problem(_SAME, f"{url} is not answered by the API ({answer.status})", remedy)
    if not content["success"]:
        return problem(_SAME, f"the API is there and not well: {content.get('error')}")
    return ok(_SAME, f"{site}/backend/* is the API")


def delivery(site: str) -> Finding:
    """Whether Stripe's events arrive: it counts a redirect as a failed delivery."""
    url = f"{site}{WEBHOOK_PATH}"
    try:
        answer = request("POST", url, b"{}", headers={"Content-Type": "application/json"})
    except Unreachable as error:
        return problem(_DELIVERY, str(error))
    if led := _location(url, answer):
        return problem(
            _DELIVERY, f"{url} redirects to {led}, which Stripe counts as a failed delivery",
            "answer it directly; if the site has moved, set site_url and make stripe-setup",
        )  # fmt: skip
    if answer.status == 400:
        return ok(_DELIVERY, f"{url} refuses what is not signed")
    return problem(
        _DELIVERY, f"{url} answers {answer.status} where an unsigned event is refused with 400",
        "see the logs of billing-webhook; an unset webhook secret does this: make stripe-setup",
    )  # fmt: skip


def _location(url: str, answer: Answer) -> str:
    """Where a redirect leads; empty for any other answer."""
    return urljoin(url, answer.headers.get("location", "")) if 300 <= answer.status < 400 else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
