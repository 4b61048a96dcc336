"""What was released to an environment: each `images.json` that was applied, in the state bucket."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operations.account import translated
from operations.deployment import Deployment
from operations.errors import OperationError

_RESTORES = "restores"
_KEPT, _SHOWN = 20, 10


@dataclass(frozen=True)
class Release:
    """One object under `releases/<environment>/`.

    `id` is `<UTC time>-<revision>`; ids sort by time. `restores` is the id of the earlier release
    that a rollback brought back; empty for a release of its own.
    """

    id: str
    images: dict[str, Any]
    restores: str = ""

    @property
    def digests(self) -> dict[str, str]:
        return digests(self.images)


def digests(images: dict[str, Any]) -> dict[str, str]:
    """Digest by image of an `images.json`."""
    return {name: str(entry["digest"]) for name, entry in sorted(images.items())}


def load(path: Path, registry: str) -> dict[str, Any]:
    """An `images.json` from disk.

    Raises:
        OperationError: it is missing or is not what `make push` writes.
    """
    if not path.is_file():
        raise OperationError(
            f"{path} does not exist: there is nothing to deploy. "
            f"First build and push the images: make push REGISTRY={registry}"
        )
    try:
        images: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not digests(images):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OperationError(
            f"{path} does not name images by digest. Let it be written: make push "
            f"REGISTRY={registry}"
        ) from error
    return images


def newest(deployment: Deployment, count: int = _KEPT) -> list[Release]:
    """The last `count` releases of the environment, oldest first."""
    prefix = f"releases/{deployment.environment.name}/"
    client = deployment.account.client("s3")
    with translated("list the releases"):
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=deployment.bucket, Prefix=prefix
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return [_read(client, deployment.bucket, key) for key in sorted(keys)[-count:]]


def _read(client: Any, bucket: str, key: str) -> Release:
    found = client.get_object(Bucket=bucket, Key=key)
    restores = found.get("Metadata", {}).get(_RESTORES, "")
    return Release(Path(key).stem, json.loads(found["Body"].read()), restores)


def record(deployment: Deployment, images: dict[str, Any], restores: str = "") -> Release:
    """Remember what was just applied, so that a rollback can return to it."""
    revision = str(next(iter(images.values())).get("revision") or "unknown")[:12]
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    release = Release(f"{now}-{revision}", images, restores)
    with translated("record the release"):
        deployment.account.client("s3").put_object(
            Bucket=deployment.bucket,
            Key=f"releases/{deployment.environment.name}/{release.id}.json",
            Body=f"{json.dumps(images, indent=2)}\n".encode(),
            ContentType="application/json",
            Metadata={_RESTORES: restores} if restores else {},
        )
    return release


def previous(releases: Sequence[Release], wanted: str = "") -> Release:
    """The release to return to.

    That is the one before the present in the order of release. A rollback counts as the release it
    brought back, so that a second one goes further back instead of returning to what was left.

    Args:
        releases: oldest first; the last one runs now.
        wanted: the beginning of an id or of a revision, to choose another than the one before.

    Raises:
        OperationError: there is none, or `wanted` names none or several.
    """
    if not releases:
        raise OperationError("Nothing was ever released here, so there is nothing to return to.")
    if wanted:
        return _chosen(releases, wanted)
    present = releases[-1]
    positions = {release.id: index for index, release in enumerate(releases)}
    index = len(releases) - 1
    while (index := positions.get(releases[index].restores, index) - 1) >= 0:
        if releases[index].digests != present.digests:
            return releases[index]
    raise OperationError(
        f"There is no earlier release than {present.restores or present.id} to return to."
    )


def _chosen(releases: Sequence[Release], wanted: str) -> Release:
    own = [release for release in releases if not release.restores]
    found = [
        release
        for release in own
        if release.id.startswith(wanted) or release.id.partition("-")[2].startswith(wanted)
    ]
    if len({json.dumps(release.digests) for release in found}) == 1:
        return found[-1]
    reason = "is not a release" if not found else "fits several releases"
    raise OperationError(f"TO={wanted} {reason}. There are:\n{listed(releases)}")


def listed(releases: Sequence[Release]) -> str:
    """The newest releases, one a line, newest first."""
    lines = [
        f"  {release.id}"
        + (f"  (rollback to {release.restores})" if release.restores else "")
        + ("  ← runs now" if release is releases[-1] else "")
        for release in reversed(releases[-_SHOWN:])
    ]
    return "\n".join(lines)
