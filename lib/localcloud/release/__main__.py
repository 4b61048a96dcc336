"""`python -m localcloud.release build` and `push` (`make build`, `make push REGISTRY=…`)."""

import argparse
import sys
from pathlib import Path

from docker.client import DockerClient

from localcloud.config import ROOT
from localcloud.release import engine, images_json, registry
from localcloud.release.build import Built, build, images, tag_of
from localcloud.release.errors import ReleaseError
from localcloud.release.inputs import LOCAL, SHIPPED, input_hash
from localcloud.release.report import say

PLATFORMS = ("linux/amd64", "linux/arm64")


def build_all(
    client: DockerClient, chosen: list[str], targets: list[str], base_name: str, platform: str
) -> list[Built]:
    """Build the chosen images up to each target."""
    base = engine.resolve_base(client, base_name, platform)
    return [build(client, image, target, base, platform) for image in chosen for target in targets]


def release(
    client: DockerClient, image: str, where: str, base: engine.Base, platform: str
) -> images_json.Released:
    """See that the registry `where` holds the image of these inputs; nothing is done twice.

    Raises:
        ReleaseError: build or push failed, or the registry serves something else than was pushed.
    """
    login = registry.credentials(where)
    inputs = input_hash(image, SHIPPED, base=base.identity, platform=platform)
    reference = f"{where}/{image}:{tag_of(inputs, SHIPPED)}"
    found = registry.stored(client, reference, login)
    if found is None:
        pushed = registry.push(
            client, build(client, image, SHIPPED, base, platform), reference, login
        )
        found = registry.stored(client, reference, login)
        if found is None or found.digest != pushed:
            served = found.digest if found else "nothing"
            raise ReleaseError(f"{reference}: pushed {pushed}, but the registry serves {served}")
    else:
        say(image, f"{reference} is in the registry already")
    registry.check(found, reference, platform)
    say(image, found.digest)
    return images_json.Released(platform, found.digest, images_json.revision(), inputs)


def _build(options: argparse.Namespace) -> None:
    if unknown := sorted(set(options.image) - set(images())):
        raise ReleaseError(
            f"no image is called {', '.join(unknown)}; there are {', '.join(images())}"
        )
    client = engine.connect()
    known = engine.settings()
    stand_in = known.stand_in if engine.local_image(client, known.stand_in) else None
    base = options.base or stand_in or known.base
    platform = options.platform or engine.own_platform(client)
    targets = [options.target] if options.target else [SHIPPED, LOCAL]
    build_all(client, options.image or images(), targets, base, platform)


def _push(options: argparse.Namespace) -> None:
    client = engine.connect()
    known = engine.settings()
    platform = options.platform or known.platform
    base = engine.resolve_base(client, options.base or known.base, platform)
    where = options.registry.rstrip("/")
    released = {image: release(client, image, where, base, platform) for image in images()}
    images_json.write(options.output, released)
    print(f"{options.output} names {len(released)} images for {platform}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud.release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build what changed")
    building.add_argument("image", nargs="*", help="default: all")
    building.add_argument("--target", choices=(SHIPPED, LOCAL), help="default: both")
    pushing = commands.add_parser("push", help="build and push what changed; write images.json")
    pushing.add_argument("--registry", required=True, help="registry, with a prefix if it has one")
    pushing.add_argument("--output", type=Path, default=ROOT / "images.json")
    for command in (building, pushing):
        command.add_argument("--base", help="default: pyproject.toml, [tool.groundwork.images]")
        command.add_argument("--platform", choices=PLATFORMS)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 1 with one line that says what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        {"build": _build, "push": _push}[options.command](options)
    except ReleaseError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
