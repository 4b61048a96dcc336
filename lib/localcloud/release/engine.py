"""The Docker engine, and the base image as it has or gets it."""

import tomllib
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
import requests
from docker.client import DockerClient

from localcloud.config import ROOT
from localcloud.release.errors import ReleaseError

ATTEMPT_SECONDS = 300
NO_ENGINE = "no Docker engine answers; .ci/docker-engine installs and starts one"


@dataclass(frozen=True)
class Settings:
    """`[tool.groundwork.images]` of pyproject.toml."""

    base: str
    stand_in: str
    platform: str


@dataclass(frozen=True)
class Base:
    """A base image: how a Dockerfile names it, and what identifies its content."""

    reference: str
    identity: str


def settings() -> Settings:
    """What the project chose for its images."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return Settings(**tomllib.load(file)["tool"]["groundwork"]["images"])


def connect() -> DockerClient:
    """The engine that the environment or Docker's default names.

    Raises:
        ReleaseError: none answers.
    """
    try:
        client = docker.from_env(timeout=ATTEMPT_SECONDS)
        client.ping()
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise ReleaseError(NO_ENGINE) from error
    return client


def own_platform(client: DockerClient) -> str:
    """The platform of the engine's machine, such as `linux/amd64`."""
    return f"linux/{client.version()['Arch']}"


def local_image(client: DockerClient, name: str) -> dict[str, Any] | None:
    """The engine's description of an image that it has, by any of its names."""
    try:
        found: dict[str, Any] = client.images.get(name).attrs
    except docker.errors.ImageNotFound:
        return None
    return found


def resolve_base(client: DockerClient, name: str, platform: str) -> Base:
    """Pin the base image `name` to its content, so that what is hashed is what is built on.

    An image made on this machine is known by its id, any other by its registry's digest.

    Raises:
        ReleaseError: neither the engine nor the registry has it, or it is of another platform.
    """
    if "@sha256:" in name:
        return Base(name, name.partition("@")[2])
    local = local_image(client, name)
    if local is not None and not local["RepoDigests"]:
        if (found := f"{local['Os']}/{local['Architecture']}") != platform:
            raise ReleaseError(f"the base {name} is {found}; it cannot carry {platform}")
        return Base(name, local["Id"])
    try:
        digest = client.images.get_registry_data(name).id
    except docker.errors.APIError as error:
        if local is None:
            raise ReleaseError(
                f"the base {name} cannot be pulled ({error.explanation}); "
                f"make base-image builds a stand-in, to be given as BASE={settings().stand_in}"
            ) from error
        digest = local["RepoDigests"][0].partition("@")[2]
    return Base(f"{_without_tag(name)}@{digest}", digest)


def _without_tag(name: str) -> str:
    repository, _, tag = name.rpartition(":")
    return repository if repository and "/" not in tag else name
