"""Everything that an environment needs at Stripe: shown first, then done, then checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from operations.errors import OperationError
from operations.stripe.account import StripeAccount
from operations.stripe.catalogue import plan_catalogue
from operations.stripe.changes import Change
from operations.stripe.endpoint import Webhook
from operations.stripe.portal import plan_portal


@dataclass(frozen=True)
class Setup:
    """What to bring about. Products and prices serve every environment of the account's mode;
    portal and webhook endpoint are the environment's own.

    Args:
        site_url: the site as the world sees it, `https://…`.
        mapped: existing price id → price key of `plans.toml`.
    """

    stripe: StripeAccount
    webhook: Webhook
    environment: str
    site_url: str
    mapped: Mapping[str, str] = field(default_factory=dict)

    def plan(self) -> list[Change]:
        """Every step, and what is there already; changes nothing."""
        return [
            *plan_catalogue(self.stripe, self.mapped),
            *plan_portal(self.stripe, self.environment, self.site_url),
            *self.webhook.plan(),
        ]

    def carry_out(self, changes: Sequence[Change], say: Callable[[str], None]) -> None:
        """Do the steps, then look whether anything is left.

        Raises:
            OperationError: Stripe refused a step, or did not change what it was to change.
        """
        for change in changes:
            if change.act:
                say(str(change))
                change.act()
        if left := pending(self.plan()):
            listed = "\n".join(map(str, left))
            raise OperationError(
                f"Stripe accepted everything, and yet this is left to do:\n{listed}\nRun it again. "
                "If that does not help, something was undone by hand within the last day: Stripe "
                "then repeats its earlier answer instead of doing it once more. Wait for a day."
            )


def pending(changes: Sequence[Change]) -> list[Change]:
    """The steps that would change something."""
    return [change for change in changes if change.act]


def mapping(text: str) -> dict[str, str]:
    """`price_A=price_starter_monthly,price_B=…` as a dict; commas or spaces separate.

    Raises:
        OperationError: a part is not of that form, or names a price twice.
    """
    found: dict[str, str] = {}
    for part in text.replace(",", " ").split():
        price_id, sign, price_key = part.partition("=")
        if not (price_id and sign and price_key) or found.get(price_id, price_key) != price_key:
            raise OperationError(
                f"MAP does not say one price key for '{part}'. It is a list of <price id at "
                "Stripe>=<price key of plans.toml>: MAP=price_1Abc=price_starter_monthly"
            )
        found[price_id] = price_key
    return found
