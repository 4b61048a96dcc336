"""The images under test: built once, from the base that BASE names or the machine can have."""

import os
from collections.abc import Callable, Iterator, Mapping

import pytest
from docker.client import DockerClient

from localcloud.release import engine as release_engine
from localcloud.release.build import Built, build, images
from localcloud.release.engine import Base
from localcloud.release.errors import ReleaseError
from localcloud.release.inputs import LOCAL, SHIPPED
from tests.images.emulated import function_environment
from tests.images.relay import NAME, relay
from tests.integration.aws_fixtures import shared


@pytest.fixture(scope="session")
def engine() -> DockerClient:
    try:
        return release_engine.connect()
    except ReleaseError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def base_name(engine: DockerClient) -> str:
    """BASE, else the stand-in where it was made, else the project's own base."""
    known = release_engine.settings()
    made = release_engine.local_image(engine, known.stand_in)
    return os.environ.get("BASE") or (known.stand_in if made else known.base)


@pytest.fixture(scope="session")
def platform(engine: DockerClient) -> str:
    return release_engine.own_platform(engine)


@pytest.fixture(scope="session")
def base(engine: DockerClient, base_name: str, platform: str) -> Base:
    found = release_engine.resolve_base(engine, base_name, platform)
    if release_engine.local_image(engine, found.reference) is None:
        # A build fetches it for itself alone; the tests look at it, too.
        engine.images.pull(found.reference, platform=platform)
    return found


@pytest.fixture(scope="session")
def shipped(engine: DockerClient, base: Base, platform: str) -> Mapping[str, Built]:
    """What a release would push, by domain."""
    return {image: build(engine, image, SHIPPED, base, platform) for image in images()}


@pytest.fixture(scope="session")
def local(
    engine: DockerClient, base: Base, platform: str, shipped: Mapping[str, Built]
) -> Mapping[str, Built]:
    """The same with the emulator, by domain."""
    return {image: build(engine, image, LOCAL, base, platform) for image in shipped}


@pytest.fixture(scope="session")
def environment_of(engine: DockerClient) -> Iterator[Callable[[str], dict[str, str]]]:
    """The environment of a function by name; in it a local AWS that is provisioned and runs."""
    config = shared((NAME,)).config
    with relay(engine, config.aws_port) as aws:
        yield lambda name: function_environment(name, config, aws)
