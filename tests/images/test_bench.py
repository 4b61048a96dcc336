"""A few cold starts of each case: a regression is noticed before anybody measures it properly."""

import subprocess
import sys

from localcloud.config import ROOT


def test_cold_starts_stay_far_below_a_naive_build() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "GET /subscription/status" in done.stdout
