"""A check that is skipped is a failure in CI, and a line with its reason anywhere else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("no browser found")

def test_of_a_browser(browser): pass

def test_that_gives_up():
    pytest.skip("no wish")

@pytest.mark.skipif(True, reason="never")
def test_that_is_marked(): pass

@pytest.mark.xfail(reason="known")
def test_that_is_expected_to_fail(): assert False

def test_of_another_machine():
    pytest.skip("not on this machine: IPv6")

def test_that_runs(): pass
"""
MODULE = 'import pytest\npytest.importorskip("no_such_module", reason="no such module")\n'


def run(folder: Path, ci: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "--rootdir=.", "."],
        cwd=folder,
        env={**os.environ, "CI": ci, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copyfile(CONFTEST, tmp_path / "conftest.py")
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def test_ci_accepts_no_skipped_test(folder: Path) -> None:
    status, said = run(folder, ci="true")
    assert status == 1
    counts = said.strip().splitlines()[-1].strip("= ").rpartition(" in ")[0].split(", ")
    assert set(counts) == {"1 passed", "1 skipped", "1 xfailed", "1 failed", "2 errors"}
    for reason in ("no browser found", "no wish", "never"):
        assert f"skipped, which CI does not accept: {reason}" in said


def test_ci_accepts_no_skipped_module(folder: Path) -> None:
    (folder / "test_some.py").write_text(MODULE)
    status, said = run(folder, ci="true")
    assert status != 0
    assert "skipped, which CI does not accept: no such module" in said


def test_elsewhere_a_skipped_test_is_a_line_with_its_reason(folder: Path) -> None:
    (folder / "test_module.py").write_text(MODULE)
    status, said = run(folder, ci="")
    assert status == 0
    for reason in ("no browser found", "no wish", "never", "no such module"):
        assert any(line.startswith("SKIPPED") and reason in line for line in said.splitlines())
