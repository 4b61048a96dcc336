"""The webhook endpoint of an environment.

Stripe shows a signing secret once, when it makes the endpoint. The endpoint's metadata therefore
keeps a digest of the secret that was stored: an endpoint whose secret the functions do not have is
useless, whatever the reason, and is replaced.

An endpoint's API version cannot be changed either; another version means another endpoint. The old
one goes on delivering until every function has learned the new secret, so that nothing is missed
(what arrives twice is recognised by its event's id).
"""

import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from operations.stripe.account import Raw, StripeAccount
from operations.stripe.changes import Change, Sign
from saas.secrets import CACHE_SECONDS
from saas.stripe_contract import API_VERSION, APP, HANDLED_EVENTS, WEBHOOK_PATH, is_stamped

PATH = "/v1/webhook_endpoints"
DIGEST = "secret_digest"
# A function may have read the secrets just before the new one was stored.
OVERLAP_SECONDS = CACHE_SECONDS + 30


class SigningSecrets(Protocol):
    """The signing secrets that the functions accept."""

    def values(self) -> list[str]:
        """Those stored now, newest first."""
        ...

    def add(self, value: str) -> None:
        """Put one in front; the ones before it stay valid."""
        ...


class Webhook:
    """Where an environment wants its events.

    Args:
        site_url: the site as the world sees it.
        sleep: how to wait (tests do not).
    """

    def __init__(
        self,
        stripe: StripeAccount,
        environment: str,
        site_url: str,
        secrets: SigningSecrets,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.stripe = stripe
        self.environment = environment
        self.site_url = site_url
        self.secrets = secrets
        self._sleep = sleep
        self._known_since = 0.0

    @property
    def url(self) -> str:
        return self.site_url.rstrip("/") + WEBHOOK_PATH

    def plan(self) -> list[Change]:
        """One enabled endpoint with our version, events and a secret that is stored."""
        found = list(self.stripe.all(PATH))
        ours = [each for each in found if is_stamped(each["metadata"], self.environment)]
        stored = {digest(value) for value in self.secrets.values()}
        usable = [
            each
            for each in ours
            if each["api_version"] == API_VERSION and each["metadata"].get(DIGEST) in stored
        ]
        usable.sort(key=lambda each: (each["status"] != "enabled", -each["created"]))
        kept = usable[0] if usable else None
        self._known_since = kept["created"] if kept else 0.0
        first = self._kept(kept) if kept else self._new()
        others = [each for each in ours if each is not kept and each["status"] == "enabled"]
        strangers = [each for each in found if each not in ours]
        return [first, *(self._retired(each, stored) for each in others), *self._notes(strangers)]

    def _new(self) -> Change:
        text = (
            f"webhook endpoint {self.url}: {len(HANDLED_EVENTS)} kinds of events in version "
            f"{API_VERSION}; its signing secret is stored and not shown"
        )
        return Change(Sign.CREATED, text, self._create)

    def _create(self) -> None:
        stamp = {"app": APP, "env": self.environment}
        made = self.stripe.post(
            PATH,
            url=self.url,
            api_version=API_VERSION,
            enabled_events=list(HANDLED_EVENTS),
            description=f"{APP} {self.environment}",
            metadata=stamp,
        )
        self.secrets.add(made["secret"])
        self._known_since = time.time()
        mark = {DIGEST: digest(made["secret"])}
        self.stripe.post(f"{PATH}/{made['id']}", metadata=mark)

    def _kept(self, endpoint: Raw) -> Change:
        changes: Raw = {}
        if endpoint["url"] != self.url:
            changes["url"] = self.url
        if set(endpoint["enabled_events"]) != set(HANDLED_EVENTS):
            changes["enabled_events"] = list(HANDLED_EVENTS)
        if endpoint["status"] != "enabled":
            changes["disabled"] = False
        name = f"webhook endpoint {endpoint['id']} ({endpoint['url']})"
        if not changes:
            return Change(Sign.LEFT, name)
        words = {
            "url": f"moves to {self.url}",
            "enabled_events": "gets the events that we handle",
            "disabled": "is enabled",
        }
        text = f"{name} {', '.join(words[each] for each in changes)}"
        act = partial(self.stripe.post, f"{PATH}/{endpoint['id']}", **changes)
        return Change(Sign.CHANGED, text, act)

    def _retired(self, endpoint: Raw, stored: set[str]) -> Change:
        works = endpoint["metadata"].get(DIGEST) in stored
        text = f"webhook endpoint {endpoint['id']} is disabled: {_reason(endpoint, works)}"
        return Change(Sign.RETIRED, text, partial(self._disable, endpoint, works))

    def _disable(self, endpoint: Raw, works: bool) -> None:
        """One that works stays until the functions know the secret of the one that is kept."""
        remaining = self._known_since + OVERLAP_SECONDS - time.time()
        if works and remaining > 0:
            print(
                f"    waiting {remaining:.0f} s, until every function knows the new secret; if you "
                "interrupt this, the next run goes on"
            )
            self._sleep(remaining)
        self.stripe.post(f"{PATH}/{endpoint['id']}", disabled=True)

    def _notes(self, strangers: list[Raw]) -> list[Change]:
        return [
            Change(
                Sign.NOTE,
                f"webhook endpoint {each['id']} sends to the same address and is not ours: events "
                "arrive twice, or are refused for their signature. Disable it at Stripe.",
            )
            for each in strangers
            if each["url"] == self.url and each["status"] == "enabled"
        ]


def digest(secret: str) -> str:
    """What may be told of a secret: enough to recognise it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def _reason(endpoint: Raw, works: bool) -> str:
    if endpoint["api_version"] != API_VERSION:
        return f"it sends version {endpoint['api_version']}, and that cannot be changed"
    if not works:
        return "its signing secret is not stored, so that its events are refused"
    return "there is another one"
