"""How moto is repaired: by name, and loudly refused when moto is not what the repair knew."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

MOTO = "5.2.5"
F = TypeVar("F", bound=Callable[..., Any])


class MotoChangedError(RuntimeError):
    """Moto does not look as it did when a repair was written: read the repair again."""


def require_moto() -> None:
    """Raise `MotoChangedError` unless the installed moto is exactly the one the repairs know."""
    import moto

    if moto.__version__ != MOTO:
        raise MotoChangedError(
            f"the repairs are for moto {MOTO}, but {moto.__version__} is installed"
        )


def repair(owner: Any, name: str) -> Callable[[F], F]:
    """Replace `owner.name` by the decorated function, which must take the same parameters.

    The replaced function stays reachable as `<replacement>.stock`.
    """

    def replace(function: F) -> F:
        stock = inspect.getattr_static(owner, name, None)
        if stock is None:
            raise MotoChangedError(f"moto's {owner.__name__} has no {name} any more")
        plain: Any = getattr(stock, "__func__", stock)
        if isinstance(stock, property):
            plain = stock.fget
        theirs, ours = (list(inspect.signature(each).parameters) for each in (plain, function))
        if theirs != ours:
            raise MotoChangedError(f"{owner.__name__}.{name} takes {theirs}, its repair {ours}")
        function.stock = plain  # type: ignore[attr-defined]
        setattr(owner, name, type(stock)(function) if plain is not stock else function)
        return function

    return replace


def added(owner: Any, name: str | None = None) -> Callable[[F], F]:
    """Give `owner` the decorated function, which moto lacks; refused once moto has one itself."""

    def add(function: F) -> F:
        title = name or function.__name__
        if hasattr(owner, title):
            raise MotoChangedError(f"moto's {owner.__name__} has its own {title} now")
        setattr(owner, title, function)
        return function

    return add
