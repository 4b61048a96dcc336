"""Pushes to any registry, and asks it what it holds."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import docker.errors
from docker.client import DockerClient

from localcloud.release.build import Built
from localcloud.release.errors import ReleaseError
from localcloud.release.report import say

_ECR = re.compile(r"^[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_SINGLE = {
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
}
_ABSENT = re.compile(r"not found|manifest unknown|name unknown|does not exist", re.IGNORECASE)


@dataclass(frozen=True)
class Stored:
    """A manifest in a registry."""

    digest: str
    media_type: str
    platforms: tuple[str, ...]


def credentials(registry: str) -> dict[str, str] | None:
    """User and password for ECR, by the AWS credentials at hand; None elsewhere: Docker knows.

    Raises:
        ReleaseError: AWS refuses, or there are no AWS credentials.
    """
    match = _ECR.match(registry)
    if match is None:
        return None
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.Session().client("ecr", region_name=match["region"])
        answer = client.get_authorization_token()
    except (BotoCoreError, ClientError) as error:
        raise ReleaseError(f"no log-in at {registry}: {error}") from error
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    user, _, password = token.partition(":")
    return {"username": user, "password": password}


def stored(client: DockerClient, reference: str, login: dict[str, str] | None) -> Stored | None:
    """What the registry serves under `reference`, or None.

    Raises:
        ReleaseError: the registry cannot be reached or refuses.
    """
    try:
        answer: dict[str, Any] = client.api.inspect_distribution(reference, auth_config=login)
    except docker.errors.APIError as error:
        if error.status_code == 404 or _ABSENT.search(str(error.explanation)):
            return None
        raise ReleaseError(f"{reference}: {error.explanation}") from error
    platforms = tuple(
        f"{entry['os']}/{entry['architecture']}" for entry in answer["Platforms"] or ()
    )
    descriptor = answer["Descriptor"]
    return Stored(descriptor["digest"], descriptor["mediaType"], platforms)


def check(found: Stored, reference: str, platform: str) -> None:
    """Refuse what Lambda refuses.

    Raises:
        ReleaseError: an index of several manifests, or an image of another platform.
    """
    if found.media_type not in _SINGLE:
        raise ReleaseError(f"{reference} is not a single manifest but {found.media_type}")
    if found.platforms != (platform,):
        raise ReleaseError(f"{reference} is for {', '.join(found.platforms)}, not {platform}")


def push(client: DockerClient, built: Built, reference: str, login: dict[str, str] | None) -> str:
    """Push a built image as `reference`; the digest that the registry confirmed.

    Raises:
        ReleaseError: the registry refused, or names no digest.
    """
    repository, _, tag = reference.rpartition(":")
    client.images.get(built.reference).tag(repository, tag)
    say(built.image, f"pushing {reference}")
    try:
        stream = client.api.push(repository, tag=tag, stream=True, decode=True, auth_config=login)
        digest = _follow(stream, built.image, reference)
    finally:
        # The engine keeps the image under its own name alone.
        client.images.remove(reference)
    if not digest:
        raise ReleaseError(f"the push of {reference} named no digest")
    return digest


def _follow(events: Iterable[dict[str, Any]], image: str, reference: str) -> str:
    """Show a push's progress; the digest that it names in the end."""
    digest = ""
    layers: set[str] = set()
    for event in events:
        if "error" in event:
            raise ReleaseError(f"the push of {reference} failed: {event['error']}")
        digest = event.get("aux", {}).get("Digest", digest)
        status = event.get("status", "")
        if status in ("Preparing", "Waiting"):
            layers.add(event["id"])
        elif status in ("Pushed", "Layer already exists"):
            say(image, f"layer {event['id']} of {len(layers)}: {status.lower()}")
    return digest
