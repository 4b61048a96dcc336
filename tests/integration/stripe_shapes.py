"""Holds an object of the local Stripe against the class that stripe-python has for its kind."""

import importlib
import inspect
import json
import typing
from collections.abc import Iterator
from typing import Any

from stripe._object_classes import OBJECT_CLASSES

from localcloud.stripe.versions import ADDED, GONE
from tests.integration.stripe_fixtures import BASIL, LocalStripe

ADDED_LATER = {
    (kind, name) for release in ADDED.values() for kind in release for name in release[kind]
}
# shown in the pinned version, though the newest SDK no longer declares it
GONE_LATER = {(kind, name) for kinds in GONE.values() for kind in kinds for name in kinds[kind]}
# declared by the class of another kind of object, or for a list's own use
LIST_FIELDS = {"object", "data", "has_more", "url"}


def class_of(value: dict[str, Any]) -> type:
    module, name = OBJECT_CLASSES[value["object"]]
    found: type = getattr(importlib.import_module(module), name)
    return found


def objects(local: LocalStripe, path: str, version: str = BASIL) -> list[dict[str, Any]]:
    """The object at a path of the API, or all of the list that is there, page by page."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        status, _, text = local.http(
            "GET", f"/v1/{path}{after}", headers={"Stripe-Version": version}, key=True
        )
        assert status == 200, (path, text)
        page = json.loads(text)
        if page["object"] != "list":
            return [page]
        found += page["data"]
        if not page["has_more"]:
            return found
        after = f"{'&' if '?' in path else '?'}starting_after={found[-1]['id']}"


def declared(cls: type) -> dict[str, Any]:
    found = inspect.get_annotations(cls)
    return {name: kind for name, kind in found.items() if name != "OBJECT_NAME"}


def options(annotation: Any) -> Iterator[Any]:
    """The alternatives of a (nested) Union."""
    if typing.get_origin(annotation) is typing.Union:
        for each in typing.get_args(annotation):
            yield from options(each)
    else:
        yield annotation


def differences(value: Any, cls: type, at: str, version: str) -> Iterator[str]:
    """What an object (a dict) has too much, too little or in the wrong type."""
    fields = declared(cls)
    kind = value["object"] if isinstance(value.get("object"), str) else ""
    gone = {name for name in value if version == BASIL and (kind, name) in GONE_LATER}
    for name in set(value) - set(fields) - gone:
        yield f"{at}.{name} is not a field of {cls.__name__}"
    for name, annotation in fields.items():
        alternatives = list(options(annotation))
        nullable = type(None) in alternatives
        if name not in value:
            if not nullable and not (version == BASIL and (kind, name) in ADDED_LATER):
                yield f"{at}.{name} is missing"
        elif value[name] is None:
            if not nullable:
                yield f"{at}.{name} is null"
        else:
            yield from mismatch(value[name], alternatives, f"{at}.{name}", version)


def hash_mismatch(
    value: dict[str, Any], alternatives: list[Any], at: str, version: str
) -> Iterator[str]:
    if value.get("object") == "list":
        if set(value) != LIST_FIELDS:
            yield f"{at} is a list with {sorted(value)}"
        for item in value["data"]:
            yield from differences(item, class_of(item), at, version)
    elif isinstance(value.get("object"), str):
        yield from differences(value, class_of(value), at, version)
    else:
        nested = [each for each in alternatives if inspect.isclass(each) and declared(each)]
        if nested:
            yield from differences(value, nested[0], at, version)


def mismatch(value: Any, alternatives: list[Any], at: str, version: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from hash_mismatch(value, alternatives, at, version)
    elif isinstance(value, list):
        inner = [typing.get_args(each) for each in alternatives if typing.get_origin(each) is list]
        for item in value if inner else []:
            yield from mismatch(item, list(options(inner[0][0])), f"{at}[]", version)
    elif int in alternatives and (isinstance(value, bool) or not isinstance(value, int)):
        yield f"{at} is {value!r}, not an integer"
    elif bool in alternatives and not isinstance(value, bool):
        yield f"{at} is {value!r}, not a boolean"
    elif alternatives == [str] and not isinstance(value, str):
        yield f"{at} is {value!r}, not a string"
