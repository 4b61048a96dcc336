"""What may happen to customers and subscriptions, at random: one seed is one history."""

import stripe

from localcloud.stripe.errors import StripeError as Refusal
from tests.integration.lives_account import LivesAccount
from tests.integration.lives_money import MoneySteps
from tests.integration.lives_people import PeopleSteps
from tests.integration.lives_plans import PlanSteps

INEXACT = ("step_trial", "step_discount", "step_item_discount", "step_backdate")
WEIGHTS = {"step_time": 26, "step_subscribe": 8, "step_plan": 6, "step_quantity": 6}
WEIGHTS |= {"step_customer": 6, "step_items": 4, "step_use": 5, "step_pay": 4}
WEIGHTS |= {"step_customer_gone": 1, "step_cancel": 1, "step_card": 4, "step_card_gone": 1}


class Lives(PeopleSteps, PlanSteps, MoneySteps):
    """Random steps; `exact` leaves out what no proration makes good, such as trials."""

    def __init__(self, account: LivesAccount, seed: int, *, exact: bool = False) -> None:
        super().__init__(account, seed, exact=exact)
        names = [name for name in dir(self) if name.startswith("step_")]
        if exact:
            names = [name for name in names if name not in INEXACT]
        self.steps = [getattr(self, name) for name in names]
        self.weights = [WEIGHTS.get(name, 2) for name in names]

    def live(self, steps: int) -> None:
        """Take so many steps; one that is refused, or has nothing to choose from, is skipped."""
        self.step_customer()
        for _ in range(steps):
            (step,) = self.random.choices(self.steps, self.weights)
            try:
                step()
                self.done += 1
            except (stripe.StripeError, Refusal, IndexError):
                self.refused += 1
