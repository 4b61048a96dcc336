"""Products and prices of an account, brought in line with `plans.toml`.

An amount cannot be changed at Stripe. A new price takes over the lookup key by which the checkout
finds it; the old one is no longer sold, and whoever subscribed to it keeps it. Old prices are
recognised by the `price_key` in their metadata, which they get before they lose the lookup key.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from operations.stripe import prices
from operations.stripe.account import Raw, StripeAccount
from operations.stripe.changes import Change, Sign
from saas.plans import Plan, catalogue
from saas.stripe_contract import APP


def plan_catalogue(stripe: StripeAccount, mapped: Mapping[str, str]) -> list[Change]:
    """The steps that bring the account there, and what is there already.

    Args:
        mapped: existing price id → price key. Such prices are taken over: their subscribers have
            the plan, and one that costs what the plan costs is sold on instead of a new one.

    Raises:
        OperationError: a mapping names what does not exist, or contradicts an earlier one.
    """
    found = list(stripe.all("/v1/prices"))
    prices.check_mapping(found, mapped)
    shelf = _Shelf(stripe, list(stripe.all("/v1/products")), found, mapped)
    return [change for plan in catalogue().plans for change in shelf.steps(plan)]


def product_id(plan: Plan) -> str:
    """The id of a product that we make: the same from every environment of an account."""
    return f"{APP}_{plan.id}"


class _Shelf:
    """Everything that the account holds, and what a plan needs of it."""

    def __init__(
        self,
        stripe: StripeAccount,
        products: Sequence[Raw],
        found: Sequence[Raw],
        mapped: Mapping[str, str],
    ) -> None:
        self._stripe = stripe
        self._products = {each["id"]: each for each in products}
        self._prices = found
        self._mapped = mapped
        self._claimed: set[str] = set()

    def steps(self, plan: Plan) -> list[Change]:
        """What is to be done for a plan, in an order that may be interrupted anywhere."""
        if not plan.lookup_key:
            return [*self._takeovers(plan, None), _by_agreement(plan)]
        sold = self._sold(plan)
        if sold is None:
            product, first = self._product(plan)
            last = self._new_price(plan, product)
        else:
            first = self._on_sale(plan, self._products[sold["product"]])
            last = self._kept_price(plan, sold)
        return [first, *self._takeovers(plan, sold), last, *self._retirements(plan, sold)]

    def _sold(self, plan: Plan) -> Raw | None:
        """The price to sell: the one that holds the lookup key, else another of the same cost."""
        found = [
            each
            for each in self._prices
            if prices.costs(plan, each)
            and (prices.holds_key(plan, each) or self._stands_for(plan, each))
        ]
        return min(
            found,
            key=lambda each: (
                not prices.holds_key(plan, each),
                each["id"] not in self._mapped,
                not each["active"],
            ),
            default=None,
        )

    def _stands_for(self, plan: Plan, price: Raw) -> bool:
        own = prices.stamp(plan).items() <= price["metadata"].items()
        return own or self._mapped.get(price["id"]) == plan.price_key

    def _product(self, plan: Plan) -> tuple[str, Change]:
        """The product to put a new price on: the plan's own, or one that is made for it."""
        stamp = _stamp(plan).items()
        own = [each for each in self._products.values() if stamp <= each["metadata"].items()]
        own.sort(key=lambda each: (not each["active"], each["created"]))
        product = next(iter(own), self._products.get(product_id(plan)))
        if product:
            return product["id"], self._on_sale(plan, product)
        wanted = {"id": product_id(plan), "name": plan.name, "metadata": _stamp(plan)}
        act = partial(self._stripe.post, "/v1/products", **wanted)
        return product_id(plan), Change(Sign.CREATED, f"product {wanted['id']}: {plan.name}", act)

    def _on_sale(self, plan: Plan, product: Raw) -> Change:
        """A product is active and stamped; its name is ours to choose only where we made it."""
        changes: Raw = {} if product["active"] else {"active": True}
        if product["id"] == product_id(plan) and product["name"] != plan.name:
            changes["name"] = plan.name
        if not product["metadata"].get("plan") and product["id"] not in self._claimed:
            changes["metadata"] = _stamp(plan)
        self._claimed.add(product["id"])
        path = f"/v1/products/{product['id']}"
        return self._changed(path, f"product {product['id']} ({product['name']})", changes)

    def _new_price(self, plan: Plan, product: str) -> Change:
        wanted = {
            "product": product,
            "currency": plan.currency,
            "unit_amount": plan.amount_cents,
            "recurring": {"interval": plan.interval},
            "lookup_key": plan.lookup_key,
            "transfer_lookup_key": True,
            "metadata": prices.sold_stamp(plan),
        }
        text = f"price {plan.lookup_key}: {prices.cost_of(plan)}"
        return Change(Sign.CREATED, text, partial(self._stripe.create, "/v1/prices", **wanted))

    def _kept_price(self, plan: Plan, price: Raw) -> Change:
        changes: Raw = {} if price["active"] else {"active": True}
        if not prices.holds_key(plan, price):
            changes |= {"lookup_key": plan.lookup_key, "transfer_lookup_key": True}
        if missing := _missing(prices.sold_stamp(plan), price["metadata"]):
            changes["metadata"] = missing
        path = f"/v1/prices/{price['id']}"
        return self._changed(path, f"price {price['id']} ({prices.cost(price)})", changes)

    def _changed(self, path: str, name: str, changes: Raw) -> Change:
        if not changes:
            return Change(Sign.LEFT, name)
        act = partial(self._stripe.post, path, **changes)
        return Change(Sign.CHANGED, f"{name} {_words(changes)}", act)

    def _takeovers(self, plan: Plan, sold: Raw | None) -> list[Change]:
        """Prices that are not sold (any more) and whose subscribers have the plan."""
        steps = []
        for price in self._prices:
            wanted: Raw = {}
            if self._mapped.get(price["id"]) == plan.price_key:
                wanted = prices.stamp(plan)
            if prices.holds_key(plan, price):
                wanted = prices.sold_stamp(plan)
            missing = _missing(wanted, price["metadata"])
            if price is not sold and missing:
                text = f"price {price['id']} ({prices.cost(price)}) stands for {plan.price_key}"
                path = f"/v1/prices/{price['id']}"
                act = partial(self._stripe.post, path, metadata=missing)
                steps.append(Change(Sign.CHANGED, text, act))
        return steps

    def _retirements(self, plan: Plan, sold: Raw | None) -> list[Change]:
        """Prices that once held the lookup key are not for sale any more."""
        return [
            Change(
                Sign.RETIRED,
                f"price {each['id']} ({prices.cost(each)}) is not sold any more; "
                "its subscribers keep it",
                partial(_retire, self._stripe, plan, each),
            )
            for each in self._prices
            if each is not sold and each["active"] and prices.held_key(plan, each)
        ]


def _retire(stripe: StripeAccount, plan: Plan, price: Raw) -> None:
    """Take a price off the market; Stripe refuses that for a product's default price."""
    product = stripe.get(f"/v1/products/{price['product']}")
    if product.get("default_price") == price["id"]:
        [sold] = stripe.get("/v1/prices", lookup_keys=[plan.lookup_key])["data"]
        if sold["product"] == product["id"]:
            stripe.post(f"/v1/products/{product['id']}", default_price=sold["id"])
    stripe.post(f"/v1/prices/{price['id']}", active=False)


def _stamp(plan: Plan) -> Raw:
    return {"app": APP, "plan": plan.id}


def _missing(wanted: Raw, found: Raw) -> Raw:
    return {name: value for name, value in wanted.items() if found.get(name) != value}


def _words(changes: Raw) -> str:
    words = {
        "active": "is for sale again",
        "lookup_key": f"becomes {changes.get('lookup_key')}",
        "metadata": "is stamped as ours",
        "name": f"is called {changes.get('name')}",
    }
    return ", ".join(words[name] for name in changes if name in words)


def _by_agreement(plan: Plan) -> Change:
    return Change(
        Sign.LEFT,
        f"{plan.name} is sold by agreement: no product or price is made. A contract's own price "
        f"stands for it when its metadata has price_key={plan.price_key} "
        f"(MAP=<price id>={plan.price_key} writes that).",
    )
