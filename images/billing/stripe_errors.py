"""How Stripe may fail us: not there, refused, gone, or not Stripe at all."""

from saas.errors import BadGateway, Unavailable


class StripeUnavailable(Unavailable):
    """Stripe did not answer, or is busy. `settled` tells that the idempotency key is used up.

    Stripe keeps the first answer of a key, failures included, once the endpoint began to run
    ("Idempotent requests"); a lost connection, 409 and 429 leave the key usable.
    """

    code = "billing_unavailable"

    def __init__(self, *, settled: bool) -> None:
        super().__init__("Billing is not available at the moment, please try again")
        self.settled = settled


class StripeRefused(BadGateway):
    """Stripe refused a request of ours; `param` is the parameter that it named, if any."""

    code = "billing_failed"

    def __init__(self, param: str = "") -> None:
        super().__init__("The billing provider refused the request")
        self.param = param


class StripeMissing(StripeRefused):
    """There is no such object at Stripe (any more)."""


class KeyReused(StripeRefused):
    """The idempotency key was first used with other parameters."""


class InvalidSignature(Exception):
    """The payload was not signed by Stripe with one of our secrets, or too long ago."""
