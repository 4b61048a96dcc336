"""The release command without an engine: refusals, bases, ECR's log-in, `images.json`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker.errors
import pytest
from moto import mock_aws

from localcloud.release import engine, images_json, registry
from localcloud.release.__main__ import main
from localcloud.release.engine import resolve_base
from localcloud.release.errors import ReleaseError
from localcloud.release.images_json import Released
from localcloud.release.registry import Stored, check

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
AMD64 = "linux/amd64"


@pytest.mark.parametrize("arguments", [["build"], ["push", "--registry", "127.0.0.1:1/team"]])
def test_without_an_engine_one_line_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    assert main(arguments) == 1

    said = capsys.readouterr()
    assert said.err == f"{arguments[0]}: {engine.NO_ENGINE}\n"
    assert not said.out


def test_an_unknown_image_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "user"]) == 1

    assert "no image is called user; there are ai, billing, users" in capsys.readouterr().err


class FakeEngine:
    """An engine with one local image, whose registry is out of reach or has one digest."""

    def __init__(self, local: dict[str, Any] | None, digest: str | None) -> None:
        self.images = self
        self._local, self._digest = local, digest

    def get(self, name: str) -> Any:
        if self._local is None:
            raise docker.errors.ImageNotFound(name)
        return type("Image", (), {"attrs": self._local})

    def get_registry_data(self, name: str) -> Any:
        if self._digest is None:
            raise docker.errors.APIError(name, explanation="no route")
        return type("Data", (), {"id": self._digest})


def _local(**overrides: Any) -> dict[str, Any]:
    image = {"Id": "sha256:id", "RepoDigests": [], "Os": "linux", "Architecture": "amd64"}
    return image | overrides


PULLED = _local(RepoDigests=["python@sha256:old"])


@pytest.mark.parametrize(
    ("local", "digest", "reference", "identity"),
    [
        (_local(), "sha256:new", "python", "sha256:id"),
        (None, "sha256:new", "python@sha256:new", "sha256:new"),
        (PULLED, "sha256:new", "python@sha256:new", "sha256:new"),
        (PULLED, None, "python@sha256:old", "sha256:old"),
    ],
    ids=["made here", "pulled now", "registry before cache", "registry out of reach"],
)
def test_a_base_is_pinned_to_its_content(
    local: dict[str, Any] | None, digest: str | None, reference: str, identity: str
) -> None:
    base = resolve_base(FakeEngine(local, digest), "python", AMD64)

    assert (base.reference, base.identity) == (reference, identity)


def test_a_pinned_base_needs_no_tag() -> None:
    name = "127.0.0.1:5000/library/python:3.11-slim"

    base = resolve_base(FakeEngine(None, "sha256:new"), name, AMD64)

    assert base.reference == "127.0.0.1:5000/library/python@sha256:new"


def test_a_base_by_digest_needs_nobody() -> None:
    base = resolve_base(FakeEngine(None, None), "python@sha256:abc", AMD64)

    assert (base.reference, base.identity) == ("python@sha256:abc", "sha256:abc")


def test_a_base_that_nobody_has_names_the_stand_in() -> None:
    with pytest.raises(ReleaseError, match="make base-image"):
        resolve_base(FakeEngine(None, None), "python", AMD64)


def test_a_base_made_here_carries_its_own_platform_alone() -> None:
    with pytest.raises(ReleaseError, match="is linux/amd64; it cannot carry linux/arm64"):
        resolve_base(FakeEngine(_local(), None), "python", "linux/arm64")


@pytest.mark.parametrize(
    "stored",
    [
        Stored("sha256:1", "application/vnd.oci.image.index.v1+json", (AMD64,)),
        Stored("sha256:1", MANIFEST, ("linux/arm64",)),
        Stored("sha256:1", MANIFEST, (AMD64, "linux/arm64")),
        Stored("sha256:1", MANIFEST, ()),
    ],
)
def test_what_lambda_would_refuse_is_refused(stored: Stored) -> None:
    with pytest.raises(ReleaseError):
        check(stored, "team/users:1", AMD64)


def test_one_manifest_of_the_platform_is_accepted() -> None:
    check(Stored("sha256:1", MANIFEST, (AMD64,)), "team/users:1", AMD64)


def test_ecr_is_logged_into_with_aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    with mock_aws():
        login = registry.credentials(f"{ECR}/groundwork")

    assert login == {"username": "AWS", "password": "123456789012-auth-token"}


def test_ecr_without_aws_credentials_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(ReleaseError, match=f"^no log-in at {ECR}: .*credentials"):
        registry.credentials(ECR)


@pytest.mark.parametrize("where", ["127.0.0.1:5000/team", "ghcr.io/team", "evil.example/dkr.ecr."])
def test_other_registries_use_dockers_own_log_in(where: str) -> None:
    assert registry.credentials(where) is None


RELEASED = {"users": Released(AMD64, "sha256:1", "abc", "def")}


def test_the_file_names_digests_and_no_repository(tmp_path: Path) -> None:
    path = tmp_path / "images.json"

    images_json.write(path, RELEASED)

    expected = {"platform": AMD64, "digest": "sha256:1", "revision": "abc", "inputs": "def"}
    assert json.loads(path.read_text()) == {"users": expected}
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "images.json"
    path.write_text("the old release")
    refuse: Callable[..., None] = lambda *_: (_ for _ in ()).throw(OSError("disk full"))  # noqa: E731
    monkeypatch.setattr("os.fsync", refuse)

    with pytest.raises(OSError, match="disk full"):
        images_json.write(path, RELEASED)

    assert path.read_text() == "the old release"
    assert list(tmp_path.iterdir()) == [path]
