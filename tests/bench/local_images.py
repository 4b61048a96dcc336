"""The images that are measured, as `make build` makes them from the sources as they are."""

import os
import re
from dataclasses import dataclass

from docker.client import DockerClient

from localcloud.release import engine
from localcloud.release.build import build, images
from localcloud.release.inputs import LOCAL, SHIPPED

# What the Dockerfiles add to their base.
_OURS = re.compile(r"COPY .*(/opt/python|/var/task)\b")


@dataclass(frozen=True)
class LocalImage:
    """An image under the emulator, and the size in MB that its shipped form adds to the base."""

    reference: str
    added_mb: float


def prepare(client: DockerClient) -> dict[str, LocalImage]:
    """All images by domain, on `BASE`, else on the stand-in where there is one.

    Raises:
        ReleaseError: the base cannot be had, or a build failed.
    """
    known = engine.settings()
    stand_in = known.stand_in if engine.local_image(client, known.stand_in) else None
    platform = engine.own_platform(client)
    base = engine.resolve_base(client, os.environ.get("BASE") or stand_in or known.base, platform)
    found = {}
    for image in images():
        shipped = build(client, image, SHIPPED, base, platform)
        local = build(client, image, LOCAL, base, platform)
        found[image] = LocalImage(local.reference, _added_mb(client, shipped.reference))
    return found


def _added_mb(client: DockerClient, reference: str) -> float:
    layers = client.images.get(reference).history()
    return sum(layer["Size"] for layer in layers if _OURS.match(layer["CreatedBy"])) / 1e6
