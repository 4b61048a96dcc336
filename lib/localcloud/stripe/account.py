"""The account that the local Stripe plays: its key, its clock, its objects."""

from localcloud.config import StackConfig
from localcloud.stripe import versions
from localcloud.stripe.announce import announce
from localcloud.stripe.clock import Clock
from localcloud.stripe.registry import Router
from localcloud.stripe.resources.index import RESOURCES
from localcloud.stripe.store import Store
from localcloud.stripe.work import Work


class Account:
    """Everything that outlives a request. One thread; one `work` at a time inside a transaction."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.secret_key = config.stripe_secret_key
        self.base_url = config.stripe_public_url
        self.clock = Clock()
        self.store = Store(config.state_dir / "stripe.sqlite")
        self.resources = {resource.kind: resource for resource in RESOURCES}
        self.router = Router(RESOURCES)

    def work(self, *, version: str = versions.DEFAULT, request_id: str | None = None) -> Work:
        """A unit of work at the present time; the caller opens the transaction."""
        return Work(
            store=self.store,
            resources=self.resources,
            now=self.clock.now(),
            wall=self.clock.wall(),
            version=version,
            base_url=self.base_url,
            request_id=request_id,
            announce=announce,
        )
