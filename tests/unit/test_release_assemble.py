"""What a build does to the folders of an image."""

import gzip
import json
from pathlib import Path

import pytest

from localcloud.release import assemble


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A botocore with two services, one of them in two API versions, and some files around it."""
    data = tmp_path / "botocore" / "data"
    for service in ("s3/2006-03-01", "dynamodb/2011-12-05", "dynamodb/2012-08-10"):
        folder = data / service
        folder.mkdir(parents=True)
        version = folder.name
        model = {"documentation": "<p>prose</p>", "shapes": {"documentation": {"type": version}}}
        (folder / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))
        (folder / "examples-1.json").write_text("{}")
        (folder / "paginators-1.json").write_text("{}")
    services = {"s3": {"endpoints": {}}, "dynamodb": {"endpoints": {}}}
    partition = {"partition": "aws", "regions": {"eu-west-1": {}}, "services": services}
    (data / "endpoints.json").write_text(json.dumps({"partitions": [partition], "version": 3}))
    (data / "partitions.json").write_text("{}")
    (tmp_path / "botocore" / "client.py").write_text("x = 1\n")
    (tmp_path / "botocore" / "tests").mkdir()
    (tmp_path / "botocore" / "tests" / "test_client.py").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "jp.py").write_text("")
    return tmp_path


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_only_used_services_stay_in_their_newest_version(packages: Path) -> None:
    assemble.main(["packages", str(packages), "dynamodb"])

    assert _files(packages) == {
        "botocore/client.py",
        "botocore/__pycache__/client.cpython-311.pyc",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json",
        "botocore/data/dynamodb/2012-08-10/paginators-1.json",
    }


def test_models_lose_their_prose_and_nothing_named_like_it(packages: Path) -> None:
    assemble.main(["packages", str(packages), "dynamodb"])

    model = packages / "botocore" / "data" / "dynamodb" / "2012-08-10" / "service-2.json"
    assert json.loads(model.read_text()) == {"shapes": {"documentation": {"type": "2012-08-10"}}}


def test_endpoints_keep_regions_and_used_services(packages: Path) -> None:
    assemble.main(["packages", str(packages), "s3"])

    endpoints = json.loads((packages / "botocore" / "data" / "endpoints.json").read_text())
    partition = endpoints["partitions"][0]
    assert partition["regions"] == {"eu-west-1": {}}
    assert list(partition["services"]) == ["s3"]


@pytest.mark.parametrize(
    ("services", "message"), [(["s4"], "no service s4"), ([], "names no service to keep")]
)
def test_a_wrong_list_of_services_ends_the_build(
    packages: Path, services: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        assemble.main(["packages", str(packages), *services])


@pytest.fixture
def code(tmp_path: Path) -> Path:
    package = tmp_path / "users"
    package.mkdir()
    (package / "handler.py").write_text("x = 1\n")
    (package / "plans.toml").write_text("")
    for name in ("Dockerfile", "requirements.txt"):
        (package / name).write_text("")
    return tmp_path


def test_code_is_compiled_settled_and_without_build_files(code: Path) -> None:
    (code / "users" / "handler.py").chmod(0o666)
    (code / "users").chmod(0o700)

    assemble.main(["code", str(code)])

    compiled = code / "users" / "__pycache__" / "handler.cpython-311.pyc"
    assert _files(code / "users") == {
        "handler.py",
        "plans.toml",
        "__pycache__/handler.cpython-311.pyc",
    }
    assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"
    for path in (code, *code.rglob("*")):
        status = path.stat()
        assert status.st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
        assert status.st_mtime == assemble.TIMESTAMP


def test_code_that_does_not_compile_ends_the_build(code: Path) -> None:
    (code / "users" / "handler.py").write_text("x = (\n")

    with pytest.raises(SystemExit, match="compiles"):
        assemble.main(["code", str(code)])
