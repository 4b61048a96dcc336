"""The release command against a real registry (Debian's `docker-registry`) on loopback."""

import json
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
import requests
from docker.client import DockerClient

from localcloud.config import ROOT
from localcloud.release import registry
from localcloud.release.__main__ import main
from localcloud.release.build import Built, build, images, tag_of
from localcloud.release.engine import Base
from localcloud.release.errors import ReleaseError
from localcloud.release.inputs import SHIPPED

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
TOKEN = "made-up-token"
TOKEN_BCRYPT = "$2b$04$npb0p2Pv2olR7Yzhr1p5hOTJMRHZrwd3rLWivr5BymgGwVe.nE5xG"
ELF_MACHINE_AARCH64 = b"\xb7\x00"

Push = Callable[..., int]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(folder: Path, *, readonly: bool, users: str) -> tuple[subprocess.Popen[bytes], str]:
    program = shutil.which("docker-registry")
    assert program, "docker-registry is missing: apt-get install docker-registry"
    address = f"127.0.0.1:{_free_port()}"
    storage = {
        "filesystem": {"rootdirectory": str(folder / "data")},
        "maintenance": {"readonly": {"enabled": readonly}},
    }
    settings: dict[str, object] = {
        "version": "0.1",
        "storage": storage,
        "http": {"addr": address},
    }
    if users:
        (folder / "users").write_text(users)
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "users")}}
    configuration = folder / "registry.yml"
    configuration.write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(configuration)], stdout=log, stderr=log)
    for _ in range(100):
        try:
            status = requests.get(f"http://{address}/v2/", timeout=5).status_code
            assert status == (401 if users else 200)
            return process, address
        except requests.ConnectionError:
            time.sleep(0.05)
    process.kill()
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts registries; all end with this module."""
    processes = []

    def start(*, readonly: bool = False, users: str = "") -> str:
        folder = tmp_path_factory.mktemp("registry")
        process, address = _serve(folder, readonly=readonly, users=users)
        processes.append(process)
        return address

    yield start
    for process in processes:
        process.terminate()
        process.wait(5)


@pytest.fixture(scope="module")
def held(serve: Callable[..., str]) -> str:
    return serve()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "images.json"


@pytest.fixture
def push(base_name: str, platform: str, output: Path, shipped: Mapping[str, Built]) -> Push:
    """Runs `push` for this machine's base and platform; the exit status."""

    def run(where: str) -> int:
        options = ["--base", base_name, "--platform", platform, "--output", str(output)]
        return main(["push", "--registry", where, *options])

    return run


def _manifest(where: str, image: str, reference: str) -> str:
    address, _, prefix = where.partition("/")
    return f"http://{address}/v2/{prefix}/{image}/manifests/{reference}"


def _served(where: str, image: str, reference: str) -> requests.Response:
    return requests.head(
        _manifest(where, image, reference),
        headers={"Accept": f"{MANIFEST}, {INDEX}"},
        timeout=5,
    )


def test_digests_are_those_that_the_registry_serves(
    push: Push, held: str, output: Path, platform: str
) -> None:
    assert push(f"{held}/team") == 0

    released = json.loads(output.read_text())
    assert list(released) == images()
    for image, entry in released.items():
        answer = _served(f"{held}/team", image, tag_of(entry["inputs"], SHIPPED))
        assert answer.headers["Docker-Content-Digest"] == entry["digest"]
        assert answer.headers["Content-Type"] == MANIFEST
        assert _served(f"{held}/team", image, entry["digest"]).status_code == 200
        assert entry["platform"] == platform
        assert entry["revision"].removesuffix("-dirty").isalnum()


def test_unchanged_inputs_are_neither_rebuilt_nor_pushed(
    push: Push, held: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push(f"{held}/team")
    before = output.read_text()
    capsys.readouterr()

    assert push(f"{held}/team") == 0

    said = capsys.readouterr().out
    assert said.count("is in the registry already") == len(images())
    assert "pushing" not in said
    assert "building" not in said
    assert output.read_text() == before


def test_the_same_inputs_are_the_same_image(
    engine: DockerClient, base: Base, platform: str
) -> None:
    first = build(engine, "users", SHIPPED, base, platform)
    made = engine.images.get(first.reference).id

    again = build(engine, "users", SHIPPED, base, platform)

    assert (again.reference, again.rebuilt) == (first.reference, False)
    assert engine.images.get(again.reference).id == made


@pytest.mark.parametrize("trouble", ["closed", "readonly"])
def test_a_failed_push_leaves_the_old_file(
    push: Push,
    serve: Callable[..., str],
    output: Path,
    capsys: pytest.CaptureFixture[str],
    trouble: str,
) -> None:
    where = serve(readonly=True) if trouble == "readonly" else f"127.0.0.1:{_free_port()}"
    output.write_text("the old release")

    assert push(f"{where}/team") == 1

    assert output.read_text() == "the old release"
    assert list(output.parent.iterdir()) == [output]
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("push: ")
    assert where in said[0]


def test_a_registry_that_serves_something_else_is_believed_in_nothing(
    push: Push,
    held: str,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    really = registry.push
    monkeypatch.setattr(
        registry, "push", lambda *given: really(*given).replace("sha256:", "sha256:0")
    )

    assert push(f"{held}/doubted") == 1

    assert "but the registry serves sha256:" in capsys.readouterr().err
    assert not output.exists()


@pytest.fixture
def tiny(engine: DockerClient) -> Iterator[Built]:
    """An image of one empty file."""
    reference = "groundwork/tests:tiny"
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    engine.api.import_image_from_data(content.getvalue(), *reference.split(":"))
    yield Built("tiny", reference, "0" * 64, rebuilt=True)
    engine.images.remove(reference, force=True)


def test_a_log_in_opens_a_registry(
    engine: DockerClient, serve: Callable[..., str], tiny: Built, platform: str
) -> None:
    """As with ECR: the user is `AWS`, the password a token."""
    reference = f"{serve(users=f'AWS:{TOKEN_BCRYPT}')}/team/tiny:1"
    right, wrong = ({"username": "AWS", "password": word} for word in (TOKEN, "expired"))

    for refused in (wrong, None):
        with pytest.raises(ReleaseError, match=reference):
            registry.stored(engine, reference, refused)
        with pytest.raises(ReleaseError, match=reference):
            registry.push(engine, tiny, reference, refused)
    assert registry.stored(engine, reference, right) is None
    digest = registry.push(engine, tiny, reference, right)

    assert engine.images.get(tiny.reference).tags == [tiny.reference]
    found = registry.stored(engine, reference, right)
    assert found == registry.Stored(digest, MANIFEST, (platform,))


def test_an_index_of_manifests_is_refused(
    push: Push,
    held: str,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = f"{held}/indexed"
    assert push(where) == 0
    tag = tag_of(json.loads(output.read_text())["ai"]["inputs"], SHIPPED)
    output.unlink()
    single = _served(where, "ai", tag)
    member = {
        "mediaType": MANIFEST,
        "digest": single.headers["Docker-Content-Digest"],
        "size": int(single.headers["Content-Length"]),
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    put = requests.put(
        _manifest(where, "ai", tag),
        data=json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [member]}),
        headers={"Content-Type": INDEX},
        timeout=5,
    )
    assert put.status_code == 201

    assert push(where) == 1

    assert f"is not a single manifest but {INDEX}" in capsys.readouterr().err
    assert not output.exists()


def test_the_other_architecture_is_built_without_running_it(
    engine: DockerClient, base: Base, platform: str
) -> None:
    """An arm64 image from an amd64 machine: right platform, right wheels, right machine code."""
    if platform != "linux/amd64":
        pytest.skip("not on this machine: it builds arm64 on amd64")
    empty, reference = "groundwork/tests:empty-arm64", "groundwork/tests:users-arm64"
    scratch = "FROM scratch\nLABEL of=tests\n"
    _buildx("--tag", empty, "-", standard_input=scratch)
    arguments = ("--build-arg", f"BASE={empty}", "--build-arg", f"BUILDER={base.reference}")
    _buildx(*arguments, "--file", "images/users/Dockerfile", "--tag", reference, ".")
    try:
        assert engine.images.get(reference).attrs["Architecture"] == "arm64"
        libraries = _libraries(engine, reference)
    finally:
        engine.images.remove(reference)
        engine.images.remove(empty)

    assert len(libraries) > 3
    assert set(libraries.values()) == {ELF_MACHINE_AARCH64}


def _buildx(*arguments: str, standard_input: str | None = None) -> None:
    common = ("--platform", "linux/arm64", "--provenance=false", "--load", "--quiet")
    done = subprocess.run(
        ["docker", "buildx", "build", *common, *arguments],
        cwd=ROOT,
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _libraries(engine: DockerClient, reference: str) -> dict[str, bytes]:
    """The machine of each shared library below /opt/python: `e_machine` of its ELF header."""
    container = engine.containers.create(reference, entrypoint=["never"], platform="linux/arm64")
    try:
        stream, _ = container.get_archive("/opt/python")
        with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
            return {
                member.name: file.read(20)[18:20]
                for member in archive
                if member.name.endswith(".so") and (file := archive.extractfile(member))
            }
    finally:
        container.remove()
