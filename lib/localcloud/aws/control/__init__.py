"""Repairs of the services that Terraform creates things in, each loaded with moto's own part.

A module (or package) here is named after moto's package of the service. Its `PATHS`, if it has
any, are further addresses of the service, in the form of moto's `url_paths`.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def repair_service(package: str) -> dict[str, Callable[..., Any]]:
    """Load the repairs of `moto.<package>`, if there are any, and return their addresses."""
    name = f"{__name__}.{package}"
    if find_spec(name) is None:
        return {}
    paths: dict[str, Callable[..., Any]] = getattr(import_module(name), "PATHS", {})
    return paths
