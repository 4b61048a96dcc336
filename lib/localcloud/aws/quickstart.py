"""What makes moto slow to start, without changing what it answers.

Measured on two cores: importing SSM 1.7 s, of which EC2 1.6 s; the first call of a service 0.3 s
for the list of its regions.
"""

import functools
import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore
from moto.core.base_backend import AccountSpecificBackend

from localcloud.aws.repair import repair


@repair(AccountSpecificBackend, "_generate_regions")
def regions_of(self: Any, service_name: str) -> list[str]:  # noqa: ARG001 - moto's parameters
    """All regions of all partitions; stock moto loads a service's whole model for its own few."""
    return list(_all_regions())


@functools.cache
def _all_regions() -> tuple[str, ...]:
    text = (Path(botocore.__file__).parent / "data" / "partitions.json").read_text()
    partitions = json.loads(text)["partitions"]
    names = (region for partition in partitions for region in partition["regions"])
    return tuple(name for name in names if not name.endswith("-global"))


class _LazyBackends:
    """Stands for `moto.ec2.ec2_backends` until somebody really looks into EC2."""

    def __getitem__(self, account_id: str) -> Any:
        return import_module("moto.ec2").ec2_backends[account_id]


def import_ssm_without_ec2() -> None:
    """Import `moto.ssm`, which needs EC2 only to send commands to instances."""
    if "moto.ec2" in sys.modules or "moto.ssm.models" in sys.modules:
        return
    stand_in = ModuleType("moto.ec2")
    stand_in.ec2_backends = _LazyBackends()  # type: ignore[attr-defined]
    sys.modules["moto.ec2"] = stand_in
    try:
        import_module("moto.ssm.models")
    finally:
        del sys.modules["moto.ec2"]
