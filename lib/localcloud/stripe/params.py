"""What an endpoint accepts, checked before it runs; messages as Stripe words them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localcloud.stripe.errors import StripeError, invalid, missing_param, not_built, unknown_params

LARGEST = 2**53
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
URL = re.compile(r"https?://[^\s/?#]+(?:[/?#]\S*)?", re.IGNORECASE)


class Spec(Protocol):
    """One parameter's rule. `at` is its full name, as in `items[0][price]`; `version` a date."""

    def parse(self, raw: Any, at: str, version: str) -> Any: ...


def _empty(at: str) -> StripeError:
    return invalid(
        f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{at}' cannot be unset. You should remove '{at}' from your request or "
        "supply a non-empty value.",
        at,
        "parameter_invalid_empty",
    )


@dataclass(frozen=True)
class Text:
    """A string; an empty one clears the field (`None`) where Stripe allows that."""

    longest: int = 5000
    clearable: bool = False

    def parse(self, raw: Any, at: str, version: str) -> str | None:
        if not isinstance(raw, str):
            raise invalid("Invalid string: must be a string", at)
        if raw == "":
            if self.clearable:
                return None
            raise _empty(at)
        if len(raw) > self.longest:
            shown = f"{raw[:12]}...{raw[-12:]}"
            raise invalid(f"Invalid string: {shown}; must be at most {self.longest} characters", at)
        return raw


@dataclass(frozen=True)
class Email(Text):
    """An e-mail address, checked as loosely as Stripe does."""

    longest: int = 512

    def parse(self, raw: Any, at: str, version: str) -> str | None:
        text = super().parse(raw, at, version)
        if text is not None and not EMAIL.fullmatch(text):
            raise invalid(f"Invalid email address: {text}", at, "email_invalid")
        return text


@dataclass(frozen=True)
class Url(Text):
    """An absolute http(s) address."""

    def parse(self, raw: Any, at: str, version: str) -> str | None:
        text = super().parse(raw, at, version)
        if text is not None and not URL.fullmatch(text):
            raise invalid("Not a valid URL", at, "url_invalid")
        return text


@dataclass(frozen=True)
class Integer:
    """A whole number within bounds; `words` are strings accepted as they are, such as `now`."""

    smallest: int = -LARGEST
    largest: int = LARGEST
    words: tuple[str, ...] = ()

    def parse(self, raw: Any, at: str, version: str) -> int | str | None:
        if raw in self.words and isinstance(raw, str):
            return raw or None
        if not isinstance(raw, str) or not re.fullmatch(r"-?[0-9]{1,18}", raw):
            raise invalid(f"Invalid integer: {raw}"[:200], at, "parameter_invalid_integer")
        value = int(raw)
        if value < self.smallest:
            raise self._outside("greater", self.smallest, value, at)
        if value > self.largest:
            raise self._outside("less", self.largest, value, at)
        return value

    @staticmethod
    def _outside(word: str, bound: int, value: int, at: str) -> StripeError:
        return invalid(
            f"This value must be {word} than or equal to {bound} (it currently is '{value}').",
            at,
            "parameter_invalid_integer",
        )


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`."""

    def parse(self, raw: Any, at: str, version: str) -> bool:
        if raw not in ("true", "false"):
            raise invalid(f"Invalid boolean: {raw}"[:200], at)
        return bool(raw == "true")


@dataclass(frozen=True)
class Enum:
    """One of some words. `unbuilt` are those that Stripe has and this stand-in has not (501)."""

    words: tuple[str, ...]
    clearable: bool = False
    unbuilt: tuple[str, ...] = ()

    def parse(self, raw: Any, at: str, version: str) -> str | None:
        if raw == "" and self.clearable:
            return None
        if raw in self.unbuilt:
            raise not_built(f"the {at} {raw}")
        if raw not in self.words or not isinstance(raw, str):
            raise invalid(f"Invalid {at}: must be {_choice((*self.words, *self.unbuilt))}", at)
        return raw


def _choice(words: tuple[str, ...]) -> str:
    if len(words) == 1:
        return words[0]
    last = " or " if len(words) == 2 else ", or "
    return "one of " + ", ".join(words[:-1]) + last + words[-1]


@dataclass(frozen=True)
class Metadata:
    """Up to 50 pairs; an empty value removes a key (`None`), an empty whole removes all."""

    def parse(self, raw: Any, at: str, version: str) -> dict[str, str | None] | None:
        if raw == "":
            return None
        if not isinstance(raw, dict) or not all(isinstance(v, str) for v in raw.values()):
            raise invalid("Invalid object", at)
        if len(raw) > 50:
            raise invalid("You can only have up to 50 metadata keys.", at)
        for key, value in raw.items():
            if len(key) > 40:
                raise invalid(
                    f"Metadata keys can have up to 40 characters, but you passed in a key that is "
                    f"{len(key)} characters. Invalid key: {key}",
                    at,
                )
            if len(value) > 500:
                raise invalid(
                    f"Metadata values can have up to 500 characters, but you passed in a value "
                    f"that is {len(value)} characters. Invalid value: {value}",
                    f"{at}[{key}]",
                )
        return {key: value or None for key, value in raw.items()}


@dataclass(frozen=True)
class Array:
    """A list, sent as `a[]=x` or `a[0]=x`; `clearable` lets an empty string mean an empty list."""

    item: Spec
    longest: int = 1000
    clearable: bool = False

    def parse(self, raw: Any, at: str, version: str) -> list[Any]:
        if raw == "" and self.clearable:
            return []
        if isinstance(raw, dict) and all(re.fullmatch(r"[0-9]{1,6}", key) for key in raw):
            raw = [raw[key] for key in sorted(raw, key=int)]
        if not isinstance(raw, list):
            raise invalid("Invalid array", at)
        if len(raw) > self.longest:
            raise invalid(f"Array exceeded maximum of {self.longest} allowed elements.", at)
        return [self.item.parse(value, f"{at}[{n}]", version) for n, value in enumerate(raw)]


@dataclass(frozen=True)
class Hash:
    """Named parameters. `unbuilt` names what Stripe has and this stand-in has not (501)."""

    fields: Mapping[str, Spec] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    unbuilt: tuple[str, ...] = ()
    clearable: bool = False

    def parse(self, raw: Any, at: str, version: str) -> dict[str, Any] | None:
        if raw == "" and self.clearable:
            return None
        if not isinstance(raw, dict):
            raise invalid("Invalid object", at)
        known = {name: spec for name, spec in self.fields.items() if _exists(spec, version)}
        names = {name: f"{at}[{name}]" if at else name for name in (*raw, *self.required)}
        unknown = [names[n] for n in raw if n not in known and n not in self.unbuilt]
        if unknown:
            raise unknown_params(unknown)
        for name in self.required:
            if name not in raw:
                raise missing_param(names[name])
        for name in raw:
            if name in self.unbuilt:
                raise not_built(f"the parameter {names[name]}")
        return {name: known[name].parse(value, names[name], version) for name, value in raw.items()}


@dataclass(frozen=True)
class Only:
    """A parameter of the API versions from `since` up to, not including, `until` (dates)."""

    spec: Spec
    since: str = ""
    until: str = "9999"

    def parse(self, raw: Any, at: str, version: str) -> Any:
        return self.spec.parse(raw, at, version)


def _exists(spec: Spec, version: str) -> bool:
    return not isinstance(spec, Only) or spec.since <= version[:10] < spec.until


@dataclass(frozen=True)
class Range:
    """A time filter: a number, or `gt`, `gte`, `lt`, `lte`. Parsed into those four names."""

    def parse(self, raw: Any, at: str, version: str) -> dict[str, int]:
        if isinstance(raw, dict):
            bounds = Hash(dict.fromkeys(("gt", "gte", "lt", "lte"), Integer()))
            return bounds.parse(raw, at, version) or {}
        value = Integer().parse(raw, at, version)
        return {"gte": value, "lte": value} if isinstance(value, int) else {}


EXPAND: dict[str, Spec] = {"expand": Array(Text(), longest=20)}
PAGE: dict[str, Spec] = {
    **EXPAND,
    "limit": Integer(1, 100),
    "starting_after": Text(),
    "ending_before": Text(),
}


def words(text: str) -> tuple[str, ...]:
    """Split a line of names; parameter tables stay readable that way."""
    return tuple(text.split())
