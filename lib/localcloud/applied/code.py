"""From an image's digest to the code that is in it.

Functions run as processes, so an image's code has to lie on this disk. The digests of `images.json`
stand for this checkout; `code.json` in the stack's state folder maps further digests to the root
folders of other checkouts: `{"sha256:…": "<folder with lib and images>"}`.
"""

import json
from pathlib import Path
from typing import Any

from localcloud.config import ROOT
from localcloud.functions.manifest import CodePaths
from localcloud.functions.transport import RefusedError

FILE = "code.json"


def code_of(image_uri: str, state_dir: Path, released: Path = ROOT / "images.json") -> CodePaths:
    """Where the code of an image lies.

    Raises:
        RefusedError: the image has no digest, or nobody knows the digest.
    """
    _, _, digest = image_uri.partition("@")
    known = {entry["digest"]: str(ROOT) for entry in _read(released).values()}
    known |= _read(state_dir / FILE)
    if digest not in known:
        raise RefusedError(
            f"There is no code for the image {image_uri} on this machine. {released.name} lists "
            f"the digests of this checkout; name the folder of another one in {FILE} in "
            f"{state_dir}.",
            "InvalidImage",
            502,
        )
    folder = Path(known[digest])
    return CodePaths((folder / "lib", folder / "images"), folder / "images", ())


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
