"""Currencies as parameters name them."""

import re
from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import invalid


@dataclass(frozen=True)
class Currency:
    """A three-letter ISO code, kept in lower case."""

    def parse(self, raw: Any, at: str, version: str) -> str:
        if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z]{3}", raw):
            raise invalid(f"Invalid currency: {raw}"[:100], at)
        return raw.lower()
