"""Finishes a folder inside an image's build: trims it, compiles it, and fixes modes and times.

Run by the Dockerfiles with the base's own Python, as a file and with the standard library alone:
`assemble.py packages <folder> <AWS service>…` for third-party packages, `assemble.py code <folder>`
for ours.
"""

import compileall
import gzip
import json
import os
import py_compile
import shutil
import sys
from pathlib import Path
from typing import Any

# Any moment does, as long as it is always the same: equal content then makes equal layers.
TIMESTAMP = 1_577_836_800
BUILD_FILES = ("Dockerfile", "requirements.txt")
UNUSED = (
    "boto3/data",  # resources, which no client needs
    "boto3/examples",
    "stripe/params",  # types of parameters, imported for type checkers alone
    # The Stripe SDK imports `requests` where it finds it; ours sends through billing.stripe_http.
    "requests",
    "charset_normalizer",
    "certifi",
    "idna",
    "bin",
    "__pycache__",
    ".lock",
)


def without_documentation(value: Any) -> Any:
    """A service model without its prose; what botocore does read (`clientContextParams`) stays."""
    if isinstance(value, dict):
        return {
            key: item if key == "clientContextParams" else without_documentation(item)
            for key, item in value.items()
            if not (key == "documentation" and isinstance(item, str))
        }
    return [without_documentation(item) for item in value] if isinstance(value, list) else value


def trim_model(path: Path) -> None:
    """Replace a compressed model by a plain one: neither prose nor unpacking at a cold start."""
    model = without_documentation(json.loads(gzip.decompress(path.read_bytes())))
    path.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
    path.unlink()


def trim_service(folder: Path) -> None:
    """Keep the newest API version of a service, without examples."""
    versions = sorted(
        version for version in folder.iterdir() if any(version.glob("service-2.json*"))
    )
    for version in folder.iterdir():
        if version != versions[-1]:
            shutil.rmtree(version)
    for examples in versions[-1].glob("examples-*"):
        examples.unlink()
    for packed in sorted(versions[-1].glob("*.json.gz")):
        trim_model(packed)


def trim_endpoints(path: Path, services: set[str]) -> None:
    """Keep regions and partitions, and of the services' addresses those of `services`."""
    endpoints = json.loads(path.read_text())
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in known if name in services}
    path.write_text(json.dumps(endpoints, separators=(",", ":")))


def trim_botocore(data: Path, services: set[str]) -> None:
    """Keep the models of `services` alone.

    Raises:
        SystemExit: no service is named, or one that this botocore does not know.
    """
    if not services:
        sys.exit("assemble: botocore is installed, but AWS_SERVICES names no service to keep")
    unknown = sorted(service for service in services if not (data / service).is_dir())
    if unknown:
        sys.exit(f"assemble: botocore has no service {', '.join(unknown)}")
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
        elif folder.is_dir():
            trim_service(folder)
    trim_endpoints(data / "endpoints.json", services)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def compile_all(root: Path) -> None:
    """Write byte-code that is loaded without looking at the source's time or content."""
    done = compileall.compile_dir(
        str(root),
        quiet=1,
        maxlevels=50,
        workers=0,
        stripdir=None,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        sys.exit(f"assemble: not everything below {root} compiles")


def settle(root: Path) -> None:
    """Readable for all, writable for the owner alone, of one age, whatever the checkout's umask."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.suffix == ".so"
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (TIMESTAMP, TIMESTAMP), follow_symlinks=False)


def main(arguments: list[str]) -> None:
    """`packages <folder> <service>…` or `code <folder>`."""
    kind, root = arguments[0], Path(arguments[1])
    if kind == "packages":
        if (data := root / "botocore" / "data").is_dir():
            trim_botocore(data, set(arguments[2:]))
        for name in UNUSED:
            remove(root / name)
        for tests in [path for path in root.rglob("tests") if path.is_dir()]:
            remove(tests)
    else:
        for package in root.iterdir():
            for name in BUILD_FILES:
                remove(package / name)
    compile_all(root)
    settle(root)


if __name__ == "__main__":
    main(sys.argv[1:])
