"""Wrong inputs are refused before anything is planned, in sentences that say what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra import offline

RIGHT: dict[str, Any] = {
    "environment": "dev",
    "images_file": "right.json",
    "frontend_origin": "frontend.example.com",
}

# Each plan takes seconds, so several inputs are wrong at once: what is given on top of the right
# ones, and what has to be said.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "everything at once": (
        {
            "environment": "production",
            "images_file": "wrong.json",
            "price_keys": ["price_gold", "price_starter_monthly"],
            "stripe_api_base": "http://stripe.example.com",
            "session_cookie_name": "next-auth.session-token",
            "region": "eu-west-1",
            "provisioned_concurrency": {"ai": 1},
            "adopt": {"user_pool_id": "groundwork-prod"},
        },
        [
            "There is no environment 'production'. Choose dev, staging or prod",
            "images_file: billing, users must be named by digest, sha256: and 64 hexadecimal",
            "A tag such as latest can be moved to another image, so it is refused",
            "images_file: ai was built for a platform that Lambda does not run",
            "price_keys: price_gold is not in lib/saas/plans.toml; known are price_starter_monthly",
            "stripe_api_base must be https and a host",
            "session_cookie_name must be one name that begins with __Host- or __Secure-",
            "Bedrock does not serve us.",
            "from eu-west-1. Choose a region of that group, or name this region's inference",
            "provisioned_concurrency: there is no function ai; known are ai-api,",
            "adopt.user_pool_id is the pool's id, such as us-east-1_AbCdEf123, not its name",
        ],
    ),
    "production takes no developer's machine": (
        {
            "environment": "prod",
            "images_file": "missing.json",
            "price_keys": [],
            "extra_origins": ["http://localhost:3000"],
            "site_enabled": False,
            "site_url": "https://example.com/app",
            "adopt": {"user_pool_domain": "old-sign-in"},
        },
        [
            "extra_origins: http://localhost:3000 cannot be allowed",
            "Only dev may name http://localhost:3000 or http://127.0.0.1:3000",
            "missing.json lacks ai, which images/functions.json needs",
            "price_keys must not be empty",
            "site_url is an origin: https:// and a host, without a path",
            "adopt.user_pool_domain and adopt.user_pool_groups belong to a pool: set",
        ],
    ),
    "a site that nobody knows": (
        {"images_file": "nowhere.json", "site_enabled": False},
        [
            "there is no readable JSON at nowhere.json. `make push REGISTRY=…` builds the images",
            "Without CloudFront (site_enabled = false) nobody knows where the site is: set "
            "site_url, such as https://app.example.com",
        ],
    ),
    "a distribution with half of what it needs": (
        {
            "frontend_origin": None,
            "site_url": "https://app.example.com",
            "extra_origins": ["https://app.example.com/", "http://b.example.com", "https://c.test"],
        },
        [
            "extra_origins: https://app.example.com/, http://b.example.com cannot be allowed",
            "CloudFront needs to know where the frontend is hosted: set frontend_origin",
            "site_url and site_certificate_arn belong together when CloudFront serves the site",
        ],
    ),
}
DEVELOPER = {"extra_origins": ["http://localhost:3000", "http://127.0.0.1:3000"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root, with releases right and wrong."""
    root = offline.copied(tmp_path_factory.mktemp("terraform"))
    users, billing, ai = (offline.RELEASE[image] for image in ("users", "billing", "ai"))
    releases = {
        "right": offline.RELEASE,
        "missing": {"users": users, "billing": billing},
        "wrong": {
            "users": users | {"digest": "latest"},
            "billing": {"platform": "linux/amd64", "revision": "1"},
            "ai": ai | {"platform": "windows/amd64"},
        },
    }
    for name, release in releases.items():
        (root / f"{name}.json").write_text(json.dumps(release))
    return root


@pytest.fixture(scope="module")
def said(root: Path) -> dict[str, str]:
    """What Terraform says to each case; right inputs are among them."""
    given = {name: wrong for name, (wrong, _) in CASES.items()}
    return _errors(root, given | {"right": DEVELOPER})


@pytest.mark.parametrize("name", list(CASES))
def test_wrong_inputs_are_refused_with_a_sentence_each(said: dict[str, str], name: str) -> None:
    sentences = CASES[name][1]
    assert [words for words in sentences if words not in said[name]] == [], said[name]


def test_right_inputs_are_taken(said: dict[str, str]) -> None:
    assert said["right"] == ""


def test_a_function_needs_a_value_for_each_variable_and_a_policy(root: Path) -> None:
    manifest = root.parent.parent / "images" / "functions.json"
    functions = json.loads(manifest.read_text())
    functions["ai-api"]["environment"].append("SURPRISE")
    functions["ai-stream"] = functions["ai-api"] | {"environment": []}
    manifest.write_text(json.dumps(functions))
    found = _errors(root, {"odd": {}})["odd"]
    assert "names SURPRISE of ai-api, which has no value in terraform/app/functions.tf" in found
    assert "terraform/app/policies.tf does not say what ai-stream" in found


def _errors(root: Path, cases: dict[str, dict[str, Any]]) -> dict[str, str]:
    written = {
        name: "\n".join(f"{key} = {json.dumps(value)}" for key, value in (RIGHT | given).items())
        for name, given in cases.items()
    }
    return {name: offline.errors(found) for name, found in offline.planned(root, written).items()}
