"""Images as a registry sees them, without Docker: a small manifest by digest, and images.json.

Local AWS runs no image: the gateway runs the code that a digest stands for (`code.json`). A
manifest's digest depends on the image and on a text, so that a test can release "another" image.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGES = ("users", "billing", "ai")
PLATFORM = "linux/amd64"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Image:
    """An image in an ECR repository of the project."""

    name: str
    marker: str

    @property
    def manifest(self) -> str:
        """A single-platform manifest of two layers."""
        layers = [self._blob(f"layer {number}", _LAYER) for number in range(2)]
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MEDIA_TYPE,
                "config": self._blob("config", _CONFIG),
                "layers": layers,
            },
            indent=3,
        )

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.manifest.encode()).hexdigest()}"

    def push(self, ecr: Any, project: str = "groundwork") -> None:
        """Put it into the repository that bootstrap made, tagged as `make push` does."""
        answer = ecr.put_image(
            repositoryName=f"{project}/{self.name}",
            imageManifest=self.manifest,
            imageManifestMediaType=MEDIA_TYPE,
            imageTag=self.digest.removeprefix("sha256:"),
        )
        assert answer["image"]["imageId"]["imageDigest"] == self.digest

    def _blob(self, what: str, kind: str) -> dict[str, Any]:
        content = f"{self.name} {what} {self.marker}".encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return {"mediaType": kind, "size": len(content), "digest": digest}


def release(markers: Mapping[str, str]) -> dict[str, Any]:
    """What `make push` writes into images.json, with a marker for each image."""
    return {
        name: {
            "platform": PLATFORM,
            "digest": Image(name, marker).digest,
            "revision": marker,
            "inputs": hashlib.sha256(marker.encode()).hexdigest(),
        }
        for name, marker in markers.items()
    }


def register_code(state_dir: Path, code: Mapping[str, Path]) -> None:
    """Tell the gateway which folder's code is in the image of each digest."""
    path = state_dir / "code.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | {digest: str(folder) for digest, folder in code.items()}))
