"""Which functions a changed file concerns, wherever the repository lies."""

from pathlib import Path

import pytest

from localcloud.config import StackConfig
from localcloud.functions.launcher import Launcher
from localcloud.functions.manifest import CodePaths, FunctionSpec


@pytest.mark.parametrize("root", ["/home/me/groundwork", "/home/ai/billing/groundwork"])
@pytest.mark.parametrize(
    ("changed", "images"),
    [
        (["images/ai/routes.py"], {"ai"}),
        (["images/ai/routes.py", "images/users/x.py"], {"ai", "users"}),
        (["lib/saas/plans.toml"], set()),
        (["images/ai/routes.py", "lib/saas/http.py"], set()),
        (["images/functions.json"], set()),
    ],
)
def test_shared_code_concerns_all(root: str, changed: list[str], images: set[str]) -> None:
    base = Path(root)
    specs = {
        name: FunctionSpec(name, name, f"{name}.handler.api", 5, 128)
        for name in ("ai", "users", "billing")
    }
    code = CodePaths(
        imports=(base / "lib", base / "images"),
        root=base / "images",
        watched=(base / "lib" / "saas", base / "images"),
    )
    config = StackConfig(1, 2, 3, 4, 5, base)
    launcher = Launcher(config, specs, code=code)
    assert launcher._images_of([base / path for path in changed]) == images
