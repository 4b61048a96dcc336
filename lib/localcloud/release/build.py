"""Builds images with BuildKit, and only those whose inputs changed."""

import subprocess
from collections import deque
from dataclasses import dataclass

from docker.client import DockerClient

from localcloud.config import ROOT, functions
from localcloud.release.engine import Base, local_image
from localcloud.release.errors import ReleaseError
from localcloud.release.inputs import LOCAL, SHIPPED, input_hash
from localcloud.release.report import say

REPOSITORY = "groundwork"
_TAG_LENGTH = 16
_LINES_ON_FAILURE = 25


@dataclass(frozen=True)
class Built:
    """An image that the engine has, under a local name that its inputs decide."""

    image: str
    reference: str
    inputs: str
    rebuilt: bool

    @property
    def tag(self) -> str:
        return self.reference.rpartition(":")[2]


def images() -> list[str]:
    """The domains, each an image, as `images/functions.json` names them."""
    return sorted({function["image"] for function in functions().values()})


def tag_of(inputs: str, target: str) -> str:
    """The tag under which content with these inputs is kept."""
    short = inputs[:_TAG_LENGTH]
    return short if target == SHIPPED else f"{target}-{short}"


def build(client: DockerClient, image: str, target: str, base: Base, platform: str) -> Built:
    """Build `image` up to the Dockerfile's stage `target`, unless the engine has it already.

    Besides the tag of its inputs it gets a moving one: `latest` for what ships, `local` for
    the one with the emulator.

    Raises:
        ReleaseError: the build failed; its last lines were printed.
    """
    inputs = input_hash(image, target, base=base.identity, platform=platform)
    reference = f"{REPOSITORY}/{image}:{tag_of(inputs, target)}"
    rebuilt = local_image(client, reference) is None
    if rebuilt:
        say(image, f"building {reference} for {platform} on {base.reference}")
        _run_buildx(image, target, base, platform, reference)
    else:
        say(image, f"{reference} is up to date")
    moving = LOCAL if target == LOCAL else "latest"
    client.images.get(reference).tag(f"{REPOSITORY}/{image}", moving)
    return Built(image, reference, inputs, rebuilt)


def command(image: str, target: str, base: Base, platform: str, reference: str) -> list[str]:
    """The call of buildx; the SDK can reach only the classic builder.

    Provenance and SBOM would turn the image into an index, which Lambda refuses.
    """
    return [
        *("docker", "buildx", "build", "--load", "--progress", "plain"),
        *("--provenance=false", "--sbom=false", "--platform", platform),
        *("--build-arg", f"BASE={base.reference}", "--target", target),
        *("--file", f"images/{image}/Dockerfile", "--tag", reference, "."),
    ]


def _run_buildx(image: str, target: str, base: Base, platform: str, reference: str) -> None:
    last: deque[str] = deque(maxlen=_LINES_ON_FAILURE)
    try:
        process = subprocess.Popen(
            command(image, target, base, platform, reference),
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        raise ReleaseError(
            "the docker command is missing; .ci/docker-engine installs it"
        ) from error
    with process:
        steps: dict[str, str] = {}
        for line in process.stdout or ():
            last.append(line.rstrip())
            number, _, text = line.strip().partition(" ")
            if text.startswith("[") and not text.startswith("[internal]"):
                steps[number] = " ".join(text.split())
            elif text.startswith("DONE") and number in steps:
                say(image, f"{text.removeprefix('DONE').strip():>6} {steps[number]}")
    if process.returncode:
        print("\n".join(last))
        raise ReleaseError(f"the build of {image} failed")
