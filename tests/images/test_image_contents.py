"""What is in the images: everything that runs, and nothing else."""

import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from pathlib import PurePosixPath

import pytest
from docker.client import DockerClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from localcloud.config import ROOT, functions
from localcloud.release.build import Built
from localcloud.release.engine import Base

DOMAINS = ("ai", "billing", "users")
LARGEST_MB = {"ai": 80, "billing": 60, "users": 60}
CODE = "var/task/"
PACKAGES = "opt/python/"
# The engine itself puts these into every container.
OF_THE_ENGINE = ("dev/", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{100}")
CREDENTIALS = re.compile(rb"AKIA[0-9A-Z]{16}|\b(?:sk|rk)_live_\w{8}|whsec_\w{16}")
EXAMPLE_KEY = b"AKIAIOSFODNN7EXAMPLE"
# glibc 2.17 is what manylinux2014 stands for; older ones run there, too.
WHEEL_PLATFORM = re.compile(r"any|manylinux(1|2010|2014|_2_(5|12|17))_(x86_64|aarch64)")


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of an image."""

    mode: int
    is_file: bool
    is_link: bool
    content: bytes


def _entries(engine: DockerClient, reference: str, *, contents: bool) -> dict[str, Entry]:
    container = engine.containers.create(reference, entrypoint=["true"])
    try:
        with tempfile.TemporaryFile() as file:
            for chunk in container.export():
                file.write(chunk)
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                return dict(_read(archive, contents=contents))
    finally:
        container.remove()


def _read(archive: tarfile.TarFile, *, contents: bool) -> Iterator[tuple[str, Entry]]:
    for member in archive:
        wanted = contents and member.isfile() and member.name.startswith((CODE, PACKAGES))
        file = archive.extractfile(member) if wanted else None
        content = file.read() if file else b""
        yield member.name, Entry(member.mode, member.isfile(), member.issym(), content)


@pytest.fixture(scope="module")
def of_the_base(engine: DockerClient, base: Base) -> set[str]:
    return set(_entries(engine, base.reference, contents=False))


@pytest.fixture(scope="module")
def added(
    engine: DockerClient, shipped: Mapping[str, Built], of_the_base: set[str]
) -> dict[str, dict[str, Entry]]:
    """By domain, what the image has and its base has not."""
    return {
        image: {
            name: entry
            for name, entry in _entries(engine, built.reference, contents=True).items()
            if name not in of_the_base and not name.startswith(OF_THE_ENGINE)
        }
        for image, built in shipped.items()
    }


def _installed(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Name and version of the distributions in the image."""
    found = {}
    for name, entry in entries.items():
        if name.startswith(PACKAGES) and name.endswith(".dist-info/METADATA"):
            metadata = Parser().parsestr(entry.content.decode())
            found[canonicalize_name(metadata["Name"])] = metadata["Version"]
    return found


def _locked(image: str) -> dict[str, str]:
    lines = (ROOT / "images" / image / "requirements.txt").read_text().splitlines()
    found = {}
    for line in lines:
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate({"sys_platform": "linux"}):
                version = str(requirement.specifier).removeprefix("==")
                found[canonicalize_name(requirement.name)] = version
    return found


@pytest.mark.parametrize("image", DOMAINS)
def test_only_the_locked_distributions_are_installed(
    added: dict[str, dict[str, Entry]], image: str
) -> None:
    installed = _installed(added[image])

    assert len(installed) > 10
    assert installed == _locked(image)


@pytest.mark.parametrize("image", DOMAINS)
def test_every_package_file_belongs_to_a_distribution(
    added: dict[str, dict[str, Entry]], image: str
) -> None:
    entries = {name: entry for name, entry in added[image].items() if name.startswith(PACKAGES)}
    recorded = {
        f"{PACKAGES}{line.split(',')[0]}"
        for name, entry in entries.items()
        if name.endswith(".dist-info/RECORD")
        for line in entry.content.decode().splitlines()
    }

    foreign = {
        name
        for name, entry in entries.items()
        if entry.is_file
        and "__pycache__" not in name
        and name not in recorded
        and f"{name}.gz" not in recorded  # unpacked service models
    }

    assert not foreign


@pytest.mark.parametrize("image", DOMAINS)
def test_wheels_run_on_either_base(added: dict[str, dict[str, Entry]], image: str) -> None:
    platforms: dict[str, list[str]] = {}
    for name, entry in added[image].items():
        if name.endswith(".dist-info/WHEEL"):
            tags = Parser().parsestr(entry.content.decode()).get_all("Tag", [])
            platforms[name] = [part for tag in tags for part in tag.split("-")[2].split(".")]

    assert platforms
    for name, found in platforms.items():
        assert any(WHEEL_PLATFORM.fullmatch(platform) for platform in found), (name, found)


@pytest.mark.parametrize("image", DOMAINS)
def test_code_is_the_library_and_the_own_domain_alone(
    added: dict[str, dict[str, Entry]], image: str
) -> None:
    expected = {}
    for folder, package in ((ROOT / "lib" / "saas", "saas"), (ROOT / "images" / image, image)):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in (".py", ".toml"):
                expected[f"{CODE}{package}/{path.relative_to(folder)}"] = path.read_bytes()

    found = {
        name: entry.content
        for name, entry in added[image].items()
        if name.startswith(CODE) and entry.is_file and "__pycache__" not in name
    }

    assert found == expected


@pytest.mark.parametrize("image", DOMAINS)
def test_nothing_is_added_elsewhere(added: dict[str, dict[str, Entry]], image: str) -> None:
    elsewhere = {
        name
        for name in added[image]
        if not f"{name}/".startswith((CODE, PACKAGES)) and name not in ("opt", "var", "opt/python")
    }

    assert not elsewhere


@pytest.mark.parametrize("image", DOMAINS)
def test_all_code_is_compiled_and_never_compared_with_its_source(
    added: dict[str, dict[str, Entry]], image: str
) -> None:
    entries = added[image]
    sources = {name for name in entries if name.endswith(".py")}
    compiled = {name for name in entries if name.endswith(".pyc")}
    expected = set()
    for name in sources:
        path = PurePosixPath(name)
        expected.add(str(path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"))

    assert compiled == expected
    # PEP 552: flags 0b01 say "hash-based, unchecked".
    assert {entries[name].content[4:8] for name in compiled} == {b"\x01\0\0\0"}


@pytest.mark.parametrize("image", DOMAINS)
def test_all_may_read_and_nobody_may_write(added: dict[str, dict[str, Entry]], image: str) -> None:
    for name, entry in added[image].items():
        if not entry.is_link:
            assert not entry.mode & 0o7022, (name, oct(entry.mode))
            assert entry.mode & 0o004, (name, oct(entry.mode))


@pytest.mark.parametrize("image", DOMAINS)
def test_no_secrets_no_tests_no_tools(added: dict[str, dict[str, Entry]], image: str) -> None:
    for name, entry in added[image].items():
        parts = set(PurePosixPath(name).parts)
        assert not parts & {"tests", "pip", "uv", "moto", "localcloud", "Dockerfile", ".env"}, name
        assert "lambda-rie" not in name
        assert not name.endswith((".key", ".pth", ".egg-link", "direct_url.json")), name
        assert not PRIVATE_KEY.search(entry.content), name
        keys = set(CREDENTIALS.findall(entry.content)) - {EXAMPLE_KEY}
        assert not keys, (name, keys)


@pytest.mark.parametrize("image", DOMAINS)
def test_size_on_top_of_the_base(
    engine: DockerClient, base: Base, shipped: Mapping[str, Built], image: str
) -> None:
    whole = engine.images.get(shipped[image].reference).attrs["Size"]
    below = engine.images.get(base.reference).attrs["Size"]

    assert 10 < (whole - below) / 1e6 <= LARGEST_MB[image]


@pytest.mark.parametrize("name", functions())
def test_handler_imports_with_an_empty_environment(
    engine: DockerClient, shipped: Mapping[str, Built], name: str
) -> None:
    """By nobody, on a read-only root, without a network."""
    function = functions()[name]
    module, _, attribute = function["command"].rpartition(".")
    code = f"import {module}; assert callable({module}.{attribute}); print({module}.__file__)"
    # AWS's own base finds its Python's library by the third variable.
    kept = 'PATH="$PATH" PYTHONPATH="$PYTHONPATH" LD_LIBRARY_PATH="$LD_LIBRARY_PATH"'
    python = f'exec env -i {kept} python3 -c "$0"'

    said = engine.containers.run(
        shipped[function["image"]].reference,
        [code],
        entrypoint=["/bin/sh", "-c", python],
        read_only=True,
        network_mode="none",
        user="65534:65534",
        cap_drop=["ALL"],
        remove=True,
    )

    assert said.decode().strip() == f"/var/task/{module.replace('.', '/')}.py"


def test_what_was_trimmed_is_missed_by_nothing(
    engine: DockerClient, shipped: Mapping[str, Built]
) -> None:
    """Every module of stripe imports, and the S3 client signs, with what is left of their data."""
    modules = (
        "import importlib, pkgutil, stripe\n"
        "for module in pkgutil.walk_packages(stripe.__path__, 'stripe.'):\n"
        "    importlib.import_module(module.name)"
    )
    signing = (
        "from saas.aws import s3\n"
        "print(s3().generate_presigned_url('put_object', Params={'Bucket': 'bucket', 'Key': 'k'}))"
    )
    credentials = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    def run(image: str, code: str) -> str:
        said = engine.containers.run(
            shipped[image].reference,
            ["-c", code],
            entrypoint=["python3"],
            environment={
                "AWS_REGION": "eu-west-1",
                "AWS_DEFAULT_REGION": "eu-west-1",
                **credentials,
            },
            network_mode="none",
            remove=True,
        )
        return str(said.decode())

    run("billing", modules)
    assert run("ai", signing).startswith(
        "https://bucket.s3.eu-west-1.amazonaws.com/k?X-Amz-Algorithm="
    )
