"""The console's pages before a gateway whose other parts are absent, strange or hostile."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.console import wording
from localcloud.console.redaction import MASK, Redaction
from localcloud.console.reference import Document, document
from tests.integration.local_gateway import RunningGateway, make_config, running_gateway, wait_until

PAGES = ("", "mailbox", "events", "calls", "users", "logs", "switches", "api", "signin")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway; nobody answers where local AWS, Stripe and Bedrock should be."""
    with running_gateway(tmp_path_factory.mktemp("alone")) as running:
        yield running


def _text(local: RunningGateway, path: str) -> str:
    return local.request("GET", f"/_local/{path}").body.decode()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_without_the_parts(alone: RunningGateway, path: str) -> None:
    answer = alone.request("GET", f"/_local/{path}")
    assert answer.status == 200
    policy = answer.header("content-security-policy") or ""
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page = answer.body.decode()
    assert not re.search(r"\son\w+=|\sstyle=|<script>|https?://(?!localhost|127\.0\.0\.1)", page)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("events", "Local Stripe does not answer at http://127.0.0.1:"),
        ("calls", "Local AWS does not answer at http://127.0.0.1:"),
        ("users", "Local AWS does not answer at http://127.0.0.1:"),
        ("users/somebody", "Local AWS does not answer at http://127.0.0.1:"),
        ("mailbox", "Local AWS, which keeps them, does not answer."),
        ("switches", "local Stripe does not answer at http://127.0.0.1:"),
        ("logs", "No function has been called yet"),
    ],
)
def test_a_part_that_is_missing_is_named(alone: RunningGateway, path: str, words: str) -> None:
    assert words in _text(alone, path)


@pytest.mark.parametrize(
    "path", ["switches/clock", "switches/faults", "switches/disarm", "events/evt_1/resend"]
)
def test_other_sites_press_no_button(alone: RunningGateway, path: str) -> None:
    headers = [("Origin", "https://evil.example"), FORM]
    answer = alone.request("POST", f"/_local/{path}", headers=headers, body=b"by=1+day")
    assert answer.status == 403
    assert alone.gateway.clock.offset == 0


def test_a_rebound_name_reads_nothing(alone: RunningGateway) -> None:
    for path in PAGES:
        assert alone.request("GET", f"/_local/{path}", host="evil.example").status == 403


def test_what_a_form_came_to_is_said_on_the_next_page(alone: RunningGateway) -> None:
    answer = alone.request("POST", "/_local/switches/clock", headers=[FORM], body=b"by=sideways")
    assert answer.status == 303
    address = answer.header("location") or ""
    page = alone.request("GET", address).body.decode()
    assert re.search(r'role="alert">by is seconds, or a duration such as', page)
    assert 'role="alert"' not in _text(alone, "switches?said=The+clock+was+moved")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (b"part=moon&preset=0", "There is no such fault."),
        (b"part=bedrock&preset=99", "There is no such fault."),
        (b"part=bedrock&preset=0&count=0", "A fault strikes from 1 to 1,000 calls."),
        (b"part=bedrock&preset=0&count=1", "local Bedrock does not answer at http://127.0.0.1:"),
        (b"part=aws&preset=0", "local AWS does not answer at http://127.0.0.1:"),
        (b"part=webhooks&preset=0&count=", "local Stripe does not answer at http://127.0.0.1:"),
        (b"part=aws&preset=0&nth=0", "The first one to be struck is a number from 1 to 1,000."),
        (b"part=aws&preset=0&nth=many", "The first one to be struck is a number from 1 to 1,000."),
        (b"part=aws&preset=0&chance=101", "The chance is a whole percentage from 1 to 100."),
        (b"part=aws&preset=0&seed=-1", "A seed is a number from 0 to 1,000,000."),
    ],
)
def test_a_fault_that_cannot_be_armed_says_why(
    alone: RunningGateway, form: bytes, words: str
) -> None:
    answer = alone.request("POST", "/_local/switches/faults", headers=[FORM], body=form)
    page = alone.request("GET", answer.header("location") or "").body.decode()
    assert words in page


def test_a_fault_that_is_none_is_not_disarmed(alone: RunningGateway) -> None:
    form = b"part=aws&id=../reset"
    answer = alone.request("POST", "/_local/switches/disarm", headers=[FORM], body=form)
    page = alone.request("GET", answer.header("location") or "").body.decode()
    assert "There is no such fault." in page


def test_the_script_gets_only_what_changed(alone: RunningGateway) -> None:
    def live(shown: str) -> dict[str, str | None]:
        headers = [("X-Live", shown)]
        found: dict[str, str | None] = alone.request("GET", "/_local/logs", headers=headers).json()
        return found

    first = live("")
    assert first["page"] == "logs.html"
    assert first["html"] is not None
    assert "<html" not in first["html"]
    assert live(str(first["tag"])) == {**first, "html": None}
    alone.invoke("demo-patient", {"do": "print", "line": "<b>loud</b>"})
    wait_until(lambda: list(alone.gateway.journal.lines()))
    then = live(str(first["tag"]))
    assert "&lt;b&gt;loud&lt;/b&gt;" in str(then["html"])


def test_a_request_is_shown_with_its_lines_and_without_secrets(alone: RunningGateway) -> None:
    secret = alone.config.stripe_secret_key
    alone.invoke("demo-patient", {"do": "print", "line": f"key {secret}, sk_live_abc123, done"})
    call = next(alone.gateway.journal.calls())
    wait_until(lambda: alone.gateway.journal.lines_of(call.id))
    page = _text(alone, f"logs/{call.id}")
    assert f"key {MASK}, {MASK}, done" in page
    assert "demo-patient" in page
    for answered in (page, _text(alone, "logs"), _text(alone, "logs?q=done")):
        assert secret not in answered


@pytest.mark.parametrize("name", ["..%2Frender.py", "console.html", "%2Fetc%2Fpasswd", "none.css"])
def test_assets_are_only_the_assets(alone: RunningGateway, name: str) -> None:
    assert alone.request("GET", f"/_local/console/{name}").status == 404


def test_functions_in_containers_have_no_lines_here(tmp_path: Path) -> None:
    config = make_config(tmp_path, emulators={"demo-echo": "127.0.0.1:9"})
    with running_gateway(tmp_path, config=config) as local:
        page = _text(local, "logs")
        assert "docker compose logs" in page
        switches = _text(local, "switches")
        assert "The functions run in containers, which keep real time." in switches
        assert 'name="by"' not in switches


def test_secrets_are_masked_wherever_they_are() -> None:
    redaction = Redaction(["very-secret-value", "short"])
    assert redaction.text("a very-secret-value, short") == f"a {MASK}, short"
    assert (
        redaction.text("pi_1_secret_Abc whsec_abc rk_live_x") == f"pi_1_secret_{MASK} {MASK} {MASK}"
    )
    assert redaction.text("cookie eyJhbGciOiJkaXIi..abc.def.ghi end") == f"cookie {MASK} end"
    value = {
        "client_secret": "cs_x",
        "webhookSecret": "w",
        "idToken": "t",
        "password": "p",
        "tokens": 12,
        "maxTokens": "3",
        "list": [{"secret": None, "text": "very-secret-value"}],
    }
    assert redaction.value(value) == {
        "client_secret": MASK,
        "webhookSecret": MASK,
        "idToken": MASK,
        "password": MASK,
        "tokens": 12,
        "maxTokens": "3",
        "list": [{"secret": None, "text": MASK}],
    }


@pytest.mark.parametrize(
    ("micro", "shown"), [(0, "$0.000000"), (13, "$0.000013"), (1_234_567_890, "$1,234.567890")]
)
def test_micro_usd_are_exact(micro: int, shown: str) -> None:
    assert wording.usd(micro) == shown


def test_moments_and_spans_are_written_for_people() -> None:
    assert "31 Jan 2031 12:00:05" in wording.when("2031-01-31T12:00:05Z")
    assert 'title="2031-01-31 12:00:05 UTC"' in wording.when(1_927_627_205)
    assert wording.when("<script>") == '<span class="muted">–</span>'
    assert wording.ahead(86400 * 31 + 7260) == "31 days, 2 hours"
    assert wording.ahead(60) == "1 minute"
    assert [wording.lasting(took) for took in (None, 31, 1240)] == ["–", "31 ms", "1.2 s"]


API = {
    "info": {"title": "Small", "version": "2"},
    "paths": {
        "/items/{id}": {
            "post": {
                "summary": "Change",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
                },
                "responses": {"204": {"description": "Done"}},
            }
        }
    },
    "components": {
        "schemas": {
            "A": {
                "type": "object",
                "required": ["b"],
                "properties": {
                    "b": {"type": "array", "items": {"$ref": "#/components/schemas/B"}},
                    "c": {"anyOf": [{"$ref": "#/components/schemas/B"}, {"type": "null"}]},
                    "again": {"$ref": "#/components/schemas/A"},
                },
            },
            "B": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}},
        }
    },
}


def test_the_reference_follows_a_contract(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(API))
    (group,) = document(path)["groups"]
    (operation,) = group["operations"]
    assert (operation["method"], operation["path"]) == ("POST", "/items/{id}")
    assert operation["parameters"][0]["required"] is True
    fields = {field["name"]: field for field in operation["body"]["fields"]}
    assert (fields["b[]"]["type"], fields["b[]"]["required"]) == ("array of B", True)
    assert (fields["b[].n"]["type"], fields["b[].n"]["notes"]) == ("integer", "up to 3")
    assert fields["c"]["type"] == "B or null"
    assert operation["answers"] == [
        {
            "status": "204",
            "description": "Done",
            "content": "",
            "fields": [],
            "about": "",
            "example": "",
        }
    ]
    example = Document(API).example({"$ref": "#/components/schemas/A"})
    assert (example["b"], example["c"]) == ([{"n": 1}], {"n": 1})


def test_no_contract_is_no_error(tmp_path: Path) -> None:
    assert document(tmp_path / "none.json")["groups"] == []
