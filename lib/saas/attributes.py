"""Items in DynamoDB's attribute-value form and back ("AttributeValue" of its API reference)."""

from decimal import Decimal
from typing import Any

MAX_DIGITS = 38
MAX_EXPONENT = 125


def marshal(item: dict[str, Any]) -> dict[str, Any]:
    """A plain dict in attribute-value form; attributes that are None are left out.

    A frozenset becomes a set of strings, which must not be empty.

    Raises:
        TypeError: a value is of a kind that we do not store.
        ValueError: a number is infinite, too long, too large or too small.
    """
    return {key: _typed(value) for key, value in item.items() if value is not None}


def unmarshal(raw: dict[str, Any]) -> dict[str, Any]:
    """The plain dict of an item: whole numbers become int, others float, sets become lists."""
    return {key: _plain(value) for key, value in raw.items()}


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        return {"N": _decimal(value)}
    if isinstance(value, dict):
        return {"M": {key: _typed(part) for key, part in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_typed(part) for part in value]}
    if not isinstance(value, str | frozenset):
        raise TypeError(f"we store no {type(value).__name__}")
    return {"S": value} if isinstance(value, str) else {"SS": sorted(value)}


def _decimal(value: int | float | Decimal) -> str:
    """A number within what DynamoDB keeps exactly: 38 digits, magnitudes of 1E-130 to 1E+126."""
    number = Decimal(str(value))
    digits = len(number.as_tuple().digits)
    if not number.is_finite() or digits > MAX_DIGITS or abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError("DynamoDB cannot hold this number exactly")
    return str(value)


def _plain(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "N":
        return _number(content)
    if kind == "M":
        return unmarshal(content)
    if kind == "L":
        return [_plain(part) for part in content]
    if kind == "NS":
        return [_number(part) for part in content]
    return None if kind == "NULL" else content


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
