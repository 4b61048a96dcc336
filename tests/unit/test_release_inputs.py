"""The hash of an image's inputs changes with what goes in, and with nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.config import ROOT
from localcloud.release.build import command, images, tag_of
from localcloud.release.engine import Base
from localcloud.release.inputs import LOCAL, SHIPPED, copied_paths, input_files, input_hash, parse

Hashes = dict[tuple[str, str], str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of what builds may read, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "static", "stripe", "aws", "gateway")
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=ignored)
    shutil.copytree(ROOT / "images", tmp_path / "images", ignore=ignored)
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    return tmp_path


@pytest.fixture
def hashes(repository: Path) -> Callable[..., Hashes]:
    def compute(base: str = "sha256:1", platform: str = "linux/amd64") -> Hashes:
        return {
            (image, target): input_hash(
                image, target, base=base, platform=platform, root=repository
            )
            for image in images()
            for target in (SHIPPED, LOCAL)
        }

    return compute


def _changed(before: Hashes, after: Hashes) -> set[tuple[str, str]]:
    return {key for key in before if before[key] != after[key]}


ALL = {(image, target) for image in ("ai", "billing", "users") for target in (SHIPPED, LOCAL)}
LOCALS = {(image, LOCAL) for image in ("ai", "billing", "users")}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("images/users/routes.py", {("users", SHIPPED), ("users", LOCAL)}),
        ("images/ai/requirements.txt", {("ai", SHIPPED), ("ai", LOCAL)}),
        ("images/billing/Dockerfile", {("billing", SHIPPED), ("billing", LOCAL)}),
        ("lib/saas/http.py", ALL),
        ("lib/saas/plans.toml", ALL),
        ("lib/localcloud/release/installer.txt", ALL),
        ("lib/localcloud/release/assemble.py", ALL),
        (".dockerignore", ALL),
        ("lib/localcloud/release/emulator.txt", LOCALS),
        ("lib/localcloud/release/bootstrap", LOCALS),
        ("lib/localcloud/config.py", set()),
        ("images/functions.json", set()),
    ],
)
def test_a_changed_file_changes_the_images_it_goes_into(
    repository: Path,
    hashes: Callable[..., Hashes],
    path: str,
    expected: set[tuple[str, str]],
) -> None:
    before = hashes()
    with (repository / path).open("a") as file:
        file.write("\n# changed\n")

    assert _changed(before, hashes()) == expected


def test_new_moved_and_deleted_files_count(repository: Path, hashes: Callable[..., Hashes]) -> None:
    seen = [hashes()]
    users = repository / "images" / "users"
    for change in (
        lambda: (users / "new.py").write_text("x = 1\n"),
        lambda: (users / "new.py").rename(users / "moved.py"),
        (users / "routes.py").unlink,
    ):
        change()
        seen.append(hashes())
        assert _changed(seen[-2], seen[-1]) == {("users", SHIPPED), ("users", LOCAL)}


def test_what_never_reaches_a_build_does_not_count(
    repository: Path, hashes: Callable[..., Hashes]
) -> None:
    before = hashes()
    cache = repository / "lib" / "saas" / "__pycache__"
    cache.mkdir()
    (cache / "http.cpython-311.pyc").write_bytes(b"compiled")
    (repository / "images" / "users" / ".env").write_text("SECRET=1")
    (repository / "images" / "users" / "routes.py").touch()

    assert hashes() == before


def test_base_and_platform_count(hashes: Callable[..., Hashes]) -> None:
    assert _changed(hashes(), hashes(base="sha256:2")) == ALL
    assert _changed(hashes(), hashes(platform="linux/arm64")) == ALL


def test_targets_have_tags_of_their_own() -> None:
    inputs = "0123456789abcdef" * 4

    assert tag_of(inputs, SHIPPED) == "0123456789abcdef"
    assert tag_of(inputs, LOCAL) == "local-0123456789abcdef"


def test_copied_paths_follow_the_stages_below_a_target() -> None:
    stages = parse(
        "ARG BASE\n"
        "FROM --platform=$BUILDPLATFORM ${BASE} AS one\nCOPY a b \\\n  c /there/\n"
        "FROM ${BASE} AS two\nCOPY --from=one /there /here\nCOPY d /here/\n"
        "FROM two AS three\nCOPY e /\n"
    )

    assert copied_paths(stages, "one") == {"a", "b", "c"}
    assert copied_paths(stages, "two") == {"a", "b", "c", "d"}
    assert copied_paths(stages, "three") == {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize("image", ["ai", "billing", "users"])
def test_every_copied_path_exists(image: str) -> None:
    text = (ROOT / "images" / image / "Dockerfile").read_text()

    for path in copied_paths(parse(text), LOCAL):
        assert (ROOT / path).exists(), path
    assert ROOT / "lib" / "saas" / "plans.toml" in input_files(image, SHIPPED)


def test_dockerfiles_differ_in_the_domain_and_its_services_alone() -> None:
    def neutral(image: str) -> list[str]:
        text = (ROOT / "images" / image / "Dockerfile").read_text()
        lines = text.replace(f"/{image}", "/DOMAIN").replace(f'"{image}.', '"DOMAIN.').splitlines()
        return [line for line in lines if not line.startswith("ARG AWS_SERVICES=")]

    assert neutral("users") == neutral("billing") == neutral("ai")
    assert any("images/DOMAIN " in line for line in neutral("users"))


def test_a_build_makes_one_manifest_for_one_platform() -> None:
    base = Base("python@sha256:1", "sha256:1")

    line = command("users", SHIPPED, base, "linux/arm64", "groundwork/users:1")

    assert {"--provenance=false", "--sbom=false"} < set(line)
    assert line[line.index("--platform") + 1] == "linux/arm64"
    assert line[line.index("--build-arg") + 1] == "BASE=python@sha256:1"
