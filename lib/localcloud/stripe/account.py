"""The account that the local Stripe plays: its key, its clock, its objects."""

from localcloud.clock import Clock
from localcloud.config import StackConfig
from localcloud.faults import Faults
from localcloud.stripe import faults, lifecycle, versions
from localcloud.stripe.announce import announce
from localcloud.stripe.registry import Router
from localcloud.stripe.resources.index import RESOURCES
from localcloud.stripe.store import Store
from localcloud.stripe.webhook_faults import Mishaps
from localcloud.stripe.work import Work


class Account:
    """Everything that outlives a request. One thread; one `work` at a time inside a transaction."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.secret_key = config.stripe_secret_key
        self.base_url = config.stripe_public_url
        self.clock = Clock(config.clock_file)
        self.moving = False
        self.faults = Faults(faults.PARTS)
        self.mishaps = Mishaps(self.faults)
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
            config=self.config,
            request_id=request_id,
            announce=announce,
        )

    def catch_up(self, work: Work) -> None:
        """Do everything whose time has come, inside the caller's transaction.

        While the clock is being moved the mover does it, a part at a time: until then a request
        sees what is overdue as it stands, as at Stripe, whose renewals take their time, too.
        """
        if not self.moving:
            lifecycle.catch_up(work)
