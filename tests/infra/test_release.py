"""New images, the way back, and two operators at once."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localcloud.config import functions
from tests.infra.clone import Clone, Outcome
from tests.infra.images import IMAGES, Image
from tests.infra.stack import ENV, PREFIX, PRESENT, PREVIOUS, LocalAccount

APPLYING = "applying the saved plan"


@pytest.fixture(scope="module")
def colleague(applied: LocalAccount, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Another operator of the same account, with a clone of his own."""
    clone = Clone.made(tmp_path_factory.mktemp("colleague"), applied.config)
    clone.configure(ENV, applied.settings)
    return clone


@pytest.fixture(scope="module")
def next_images(applied: LocalAccount) -> Path:
    """A release in which one image is new."""
    return applied.build(dict.fromkeys(IMAGES, PRESENT) | {"ai": f"{PRESENT}+next"}, "next.json")


@pytest.fixture(scope="module")
def planned(applied: LocalAccount, colleague: Clone, next_images: Path) -> dict[str, Any]:
    colleague.run("plan", "--env", ENV, f"--images={next_images}").ok()
    return colleague.planned(ENV)


class Rush(NamedTuple):
    """A rollback, and what became of a deployment that began while it was being applied."""

    rollback: Outcome
    deployment: Outcome


@pytest.fixture(scope="module")
def rush(applied: LocalAccount, colleague: Clone, planned: Any, next_images: Path) -> Rush:
    url = f"--url={applied.config.site_url}/backend"
    to = f"--to={PREVIOUS}"
    with applied.clone.start("rollback", "--env", ENV, to, "--yes", url) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if APPLYING in line:
                break
        refused = colleague.run("deploy", "--env", ENV, "--yes", f"--images={next_images}")
        rest, _ = process.communicate(timeout=300)
    return Rush(Outcome(process.returncode, "".join(printed) + rest), refused)


def test_a_new_digest_changes_exactly_the_functions_of_its_image(planned: dict[str, Any]) -> None:
    changed = {
        change["address"]: change["change"]
        for change in planned["resource_changes"]
        if change["change"]["actions"] not in (["no-op"], ["read"])
    }
    keys = [key for key, spec in functions().items() if spec["image"] == "ai"]
    assert {address: change["actions"] for address, change in changed.items()} == {
        f'module.function["{key}"].{resource}': ["update"]
        for key in keys
        for resource in ("aws_lambda_function.this", "aws_lambda_alias.live")
    }
    for key in keys:
        after = changed[f'module.function["{key}"].aws_lambda_function.this']["after"]
        assert after["image_uri"].endswith(Image("ai", f"{PRESENT}+next").digest)


def test_of_two_operators_at_once_the_lock_refuses_one(rush: Rush) -> None:
    rush.rollback.ok()
    assert rush.deployment.status == 1, rush.deployment.output
    assert "Another apply of dev is running" in rush.deployment.output
    assert "holds the lock since" in rush.deployment.output
    assert "make unlock ENV=dev ID=" in rush.deployment.output


def test_a_rollback_restores_the_earlier_digests(applied: LocalAccount, rush: Rush) -> None:
    rush.rollback.ok()
    client = applied.client("lambda")
    for key, spec in functions().items():
        found = client.get_function(FunctionName=f"{PREFIX}-{key}", Qualifier="live")
        assert found["Code"]["ImageUri"].endswith(Image(spec["image"], PREVIOUS).digest), key


def test_old_images_pass_the_journey_under_new_routes(applied: LocalAccount, rush: Rush) -> None:
    rush.rollback.ok()
    health = applied.call("GET", "/health/ai").json()["data"]
    assert health["version"] == PREVIOUS, json.dumps(health)
    applied.journey()
