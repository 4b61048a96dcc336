"""The runner of Terraform: its binary, its providers, its output, without any provider."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from operations import providers, terraform
from operations.errors import OperationError
from operations.terraform import CHANGES, FAILED, NO_CHANGES, Terraform

ROOT = """
variable "size" { default = 1 }
resource "terraform_data" "box" { input = var.size }
output "size" { value = terraform_data.box.output }
"""


@pytest.fixture(autouse=True)
def _forget_binary() -> None:
    terraform.binary.cache_clear()


def _fake(folder: Path, version: str) -> None:
    folder.mkdir()
    path = folder / "terraform"
    path.write_text(f'#!/bin/sh\necho \'{{"terraform_version": "{version}"}}\'\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (None, "Terraform was not found on the PATH. Install Terraform 1.11 or newer"),
        ("1.9.8", "is version 1.9.8. Install Terraform 1.11 or newer"),
        ("0.12.31", "is version 0.12.31"),
    ],
)
def test_a_binary_that_will_not_do_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, sentence: str
) -> None:
    if version:
        _fake(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(OperationError, match=sentence):
        terraform.binary()


@pytest.mark.parametrize("version", ["1.11.0", "1.12.0-rc1", "2.0.0"])
def test_newer_binaries_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _fake(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    assert terraform.binary() == str(tmp_path / "bin" / "terraform")


def _mirror(folder: Path) -> Path:
    (folder / "registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64").mkdir(parents=True)
    return folder


def test_the_users_own_configuration_is_taken(tmp_path: Path) -> None:
    own = tmp_path / "own.tfrc"
    own.touch()
    assert providers.cli_config({providers.VARIABLE: str(own), "CI": "1"}, tmp_path / "made") == own
    (tmp_path / ".terraformrc").touch()
    assert providers.cli_config({"HOME": str(tmp_path), "CI": "1"}, tmp_path / "made") is None
    assert not (tmp_path / "made").exists()


def test_on_a_persons_machine_the_disk_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_top: Path) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(providers, "search", refuse)
    quiet = {"HOME": str(tmp_path), "XDG_DATA_DIRS": str(tmp_path)}
    assert providers.cli_config(quiet, tmp_path) is None


@pytest.mark.parametrize("reason", [{providers.VARIABLE: "/nowhere/at.all"}, {"CI": "true"}])
def test_a_mirror_that_terraform_would_not_look_into_is_named_in_a_file_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: dict[str, str]
) -> None:
    mirror = _mirror(tmp_path / "somewhere" / "mirror")
    monkeypatch.setattr(providers, "search", lambda _top: mirror)
    quiet = {"HOME": str(tmp_path), "XDG_DATA_DIRS": str(tmp_path), **reason}
    made = providers.cli_config(quiet, tmp_path / "made")
    assert made == tmp_path / "made" / "cli.tfrc"
    text = made.read_text()
    assert f'path    = "{mirror}"' in text
    assert text.count('["registry.terraform.io/hashicorp/aws"]') == 2  # mirrored, not downloaded


def test_an_implied_mirror_needs_no_configuration_but_one_that_exists(tmp_path: Path) -> None:
    _mirror(tmp_path / "share" / "terraform" / "plugins")
    environment = {
        "HOME": str(tmp_path),
        "XDG_DATA_DIRS": str(tmp_path / "share"),
        providers.VARIABLE: "/nowhere/at.all",
    }
    made = providers.cli_config(environment, tmp_path / "made")
    assert made
    assert made.read_text() == ""


def test_the_search_finds_the_nearest_mirror_and_gives_up(tmp_path: Path) -> None:
    assert providers.search(tmp_path) is None
    far = _mirror(tmp_path / "a" / "b" / "mirror")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert providers.search(tmp_path) == far
    near = _mirror(tmp_path / "near")
    assert providers.search(tmp_path) == near


def _need_terraform() -> None:
    if not shutil.which("terraform"):
        pytest.skip("Terraform was not found on the PATH")


@pytest.fixture
def root(tmp_path: Path) -> Terraform:
    _need_terraform()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "main.tf").write_text(ROOT)
    said: list[str] = []
    made = Terraform(tmp_path / "root", tmp_path / "data", say=said.append)
    assert made.init().status == 0
    return made


def test_a_plan_is_saved_applied_and_read_back(root: Terraform, tmp_path: Path) -> None:
    assert (root.outputs(), root.resources()) == ({}, [])
    saved = tmp_path / "plans" / "one.tfplan"
    assert root.plan(saved).status == CHANGES
    assert [each["change"]["actions"] for each in root.planned(saved)["resource_changes"]] == [
        ["create"]
    ]
    assert root.apply(saved).status == 0
    assert (root.outputs(), root.resources()) == ({"size": 1}, ["terraform_data.box"])
    assert root.state()["values"]["root_module"]["resources"][0]["address"] == "terraform_data.box"
    assert root.plan(saved).status == NO_CHANGES
    assert not (tmp_path / "root" / ".terraform").exists()


def test_a_failure_is_told_by_its_status_and_kept_without_colours(
    root: Terraform, tmp_path: Path
) -> None:
    outcome = root.plan(tmp_path / "two.tfplan", "-var=colour=red")
    assert outcome.status == FAILED
    assert "undeclared variable" in outcome.output
    assert "\x1b" not in outcome.output


def test_output_is_said_as_it_comes_unless_it_is_quiet(tmp_path: Path) -> None:
    _need_terraform()
    said: list[str] = []
    runner = Terraform(tmp_path, tmp_path / "data", say=said.append)
    assert runner.run("version", quiet=True).output.startswith("Terraform v")
    assert said == []
    runner.run("version")
    assert said[0].startswith("Terraform v")


def test_ctrl_c_waits_until_terraform_has_saved_what_it_did(tmp_path: Path) -> None:
    _fake(tmp_path / "bin", "1.11.4")
    script = tmp_path / "bin" / "terraform"
    script.write_text(
        script.read_text() + 'case "$*" in *apply*) trap "echo state is saved; exit 1" INT\n'
        "echo changing; for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done;; esac\n"
    )
    code = (
        "from pathlib import Path; from operations.terraform import Terraform;"
        "Terraform(Path('.'), Path('data')).run('apply')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin", "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("{")
        assert process.stdout.readline() == "changing\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to both
        said, trace = process.communicate(timeout=20)
    assert said == "state is saved\n"
    assert trace.rstrip().endswith("KeyboardInterrupt")
