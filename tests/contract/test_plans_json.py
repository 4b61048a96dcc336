"""`terraform/app/plans.json` is what `lib/saas/plans.toml` says."""

import json
from pathlib import Path

import pytest

from localcloud import plans_json
from saas.plans import catalogue


def test_the_file_is_up_to_date() -> None:
    assert plans_json.PATH.read_text(encoding="utf-8") == plans_json.generate(), "run `make fix`"


def test_it_names_every_price_key_and_model() -> None:
    document = json.loads(plans_json.generate())
    assert document["price_keys"] == [plan.price_key for plan in catalogue().plans]
    assert {alias: catalogue().models[alias].id for alias in document["models"]} == document[
        "models"
    ]
    assert document["models"].keys() == catalogue().models.keys()
    assert document["uploads"]["pending_hours"] == catalogue().uploads.pending_hours


def test_drift_is_noticed_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "plans.json"
    stale.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(plans_json, "PATH", stale)
    assert plans_json.main(check=True) == 1
    assert "make fix" in capsys.readouterr().err
    assert stale.read_text(encoding="utf-8") == "{}"


def test_fixing_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plans_json, "PATH", tmp_path / "plans.json")
    assert plans_json.main(check=False) == 0
    assert plans_json.main(check=True) == 0
