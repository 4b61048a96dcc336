"""What the doctor looks at, and how a look that fails is reported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from operations.account import Account, sentence
from operations.environments import Environment
from operations.errors import OperationError
from operations.findings import Finding, warning


@dataclass(frozen=True)
class Subject:
    """An environment and its account; `outputs` is empty while nothing is deployed."""

    environment: Environment
    account: Account
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def env(self) -> str:
        return self.environment.name


def looked(check: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds; "could not be read: …" when AWS, Stripe or the network refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return look()
    except (BotoCoreError, ClientError) as error:
        return warning(check, f"could not be read: {sentence(error)}")
    except OperationError as error:
        return warning(check, f"could not be read: {error}")


def all_looked(check: str, look: Callable[[], list[Finding]]) -> Iterator[Finding]:
    """The same for a look that finds several things."""
    found: list[Finding] = []

    def first() -> Finding:
        found.extend(look())
        return found.pop(0)

    yield looked(check, first)
    yield from found
