"""Emptying local AWS: every backend that has been used, each under its service's lock."""

from moto.core.base_backend import BackendDict

from localcloud.aws import transactions
from localcloud.aws.cognito.pools import forget_ids
from localcloud.aws.mail import MAILBOX
from localcloud.aws.routing import LOCKS


def forget_everything() -> None:
    """Remove all resources of all services; the next `provision` makes them anew."""
    for backends in list(BackendDict._instances):
        with LOCKS.of(backends.service_name):
            for account in backends.values():
                account.reset()
    transactions.forget_tokens()
    forget_ids()
    MAILBOX.clear()
