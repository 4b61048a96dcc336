"""The images that are measured, built from the sources as they are."""

import os
import subprocess
from dataclasses import dataclass

import docker

from localcloud.config import ROOT
from tests.bench.containers import BenchError

DOMAINS = ("users", "billing", "ai")
STAND_IN = "groundwork/python:3.11-slim-bookworm-standin"


@dataclass(frozen=True)
class LocalImage:
    """An image under the emulator, and the size in MB that its shipped form adds to the base."""

    reference: str
    added_mb: float


def build(engine: docker.DockerClient) -> dict[str, LocalImage]:
    """All images by domain; layers that exist already are not built again."""
    base = os.environ.get("BASE", STAND_IN)
    base_size = engine.images.get(base).attrs["Size"]
    built = {}
    for domain in DOMAINS:
        references = {stage: _build(domain, stage, base) for stage in ("local", "shipped")}
        size = engine.images.get(references["shipped"]).attrs["Size"]
        built[domain] = LocalImage(references["local"], (size - base_size) / 1e6)
    return built


def _build(domain: str, stage: str, base: str) -> str:
    reference = f"groundwork-bench/{domain}:{stage}"
    command = ["docker", "build", "--quiet", "--target", stage, "--build-arg", f"BASE={base}"]
    command += ["-f", f"images/{domain}/Dockerfile", "-t", reference, "."]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"{domain} does not build:\n{done.stderr[-2000:]}")
    return reference
