"""docs/development.md names every kind of fault and its settings, and no other."""

import re

import pytest

from localcloud.aws import faults as aws
from localcloud.bedrock import faults as bedrock
from localcloud.config import ROOT
from localcloud.console.presets import PARTS
from localcloud.faults import GENERAL, Faults, Kinds
from localcloud.stripe import faults as stripe
from localcloud.stripe import webhook_faults as webhooks

KINDS: dict[str, Kinds] = {module.PART: module.KINDS for module in (stripe, webhooks, bedrock, aws)}


def documented() -> dict[str, set[str]]:
    """Names in the last column of the table of parts."""
    section = (ROOT / "docs/development.md").read_text().split("### Faults")[1].split("###")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", section, re.MULTILINE)
    return {part: set(re.findall(r"`(\w+)`", kinds)) for part, kinds in rows}


def test_every_part_is_documented() -> None:
    assert documented().keys() == KINDS.keys() == PARTS.keys()


@pytest.mark.parametrize("part", KINDS)
def test_every_kind_and_setting_is_documented(part: str) -> None:
    settings = {name for kind in KINDS[part].values() for name in kind.settings}
    assert documented()[part] == KINDS[part].keys() | settings


def test_what_all_faults_have_is_documented() -> None:
    text = (ROOT / "docs/development.md").read_text()
    table = text.split("| setting | which calls are struck |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table.replace("`null`", ""))) == set(GENERAL)


@pytest.mark.parametrize("part", PARTS)
def test_what_the_console_offers_can_be_armed(part: str) -> None:
    faults = Faults(KINDS)
    for preset in PARTS[part].presets:
        assert faults.arm({**preset.body, "part": part})["kind"] in KINDS[part]
    for example in PARTS[part].examples:
        faults.arm({**PARTS[part].presets[0].body, "part": part, "on": example})
