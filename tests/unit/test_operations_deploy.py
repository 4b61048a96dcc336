"""What deployments decide without an account: environments, plans in words, releases, locks."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as aws

from operations import environments
from operations.account import sentence, translated
from operations.deployment import LockHeld, check, confirm, lock_holder
from operations.destroy import refusal
from operations.environments import Environment, assigned, find
from operations.errors import OperationError
from operations.planning import summary
from operations.releases import Release, listed, load, previous
from operations.terraform import Outcome

DEV = Environment("dev", "groundwork", "us-east-1", Path("envs/dev.tfvars"))


@pytest.fixture
def envs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments of a folder of its own, on a machine without any AWS setting."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    (tmp_path / "prod.tfvars").write_text('name = "acme" # ours\nregion="eu-west-1"\n')
    (tmp_path / "dev.tfvars").write_text('environment = "dev"\n')
    (tmp_path / "staging.tfvars").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "begins"),
    [("production", "There is no environment 'production'."), ("", "No environment was named")],
)
def test_an_unknown_environment_is_refused_with_the_list(
    envs: Path, name: str, begins: str
) -> None:
    with pytest.raises(OperationError) as refused:
        find(name, envs)
    assert str(refused.value).startswith(begins)
    assert str(refused.value).endswith("There are: dev, staging, prod.")


def test_an_environment_is_what_its_file_says(envs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prod = find("prod", envs)
    assert (prod.prefix, prod.region) == ("acme-prod", "eu-west-1")
    assert prod.state_bucket("111122223333") == "acme-tfstate-111122223333-eu-west-1"
    assert prod.state_key == "prod/app.tfstate"
    assert (find("dev", envs).prefix, find("dev", envs).region) == ("groundwork-dev", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert (find("dev", envs).region, find("prod", envs).region) == ("ap-south-1", "eu-west-1")


def test_a_profile_that_does_not_exist_is_named(
    envs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(OperationError, match=r"nobody.*aws configure list-profiles"):
        find("dev", envs)


def test_only_plain_texts_of_a_variables_file_are_read() -> None:
    text = """
name = "acme" // ours
quoted = "say \\"hi\\""
number = 3
list = ["a"]
google = {
  client_id = var.x
}
# region = "commented"
"""
    assert assigned(text) == {"name": "acme", "quoted": 'say "hi"'}


def test_the_files_of_the_repository_are_environments() -> None:
    assert environments.names() == ["dev", "staging", "prod"]


def _change(kind: str, *actions: str, **more: Any) -> dict[str, Any]:
    change = {"actions": list(actions), **more}
    return {"address": f"{kind}.this", "type": kind, "mode": "managed", "change": change}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], "nothing would change."),
        ([_change("aws_lambda_alias", "no-op")], "nothing would change."),
        (
            [
                _change("aws_lambda_alias", "update"),
                _change("aws_lambda_function", "update"),
                _change("aws_sqs_queue", "create"),
                _change("aws_sqs_queue", "delete", "create"),
                _change("aws_iam_role", "create", "delete"),
            ],
            "2 to change, 1 to create, 2 to replace.",
        ),
        (
            [_change("aws_dynamodb_table", "update", importing={"id": "old"})],
            "1 to change, 1 to import.",
        ),
        (
            [_change("aws_dynamodb_table", "delete", "create")],
            "1 to replace. aws_dynamodb_table.this would be lost, with all its rows!",
        ),
    ],
)
def test_a_plan_in_words(changes: list[dict[str, Any]], said: str) -> None:
    assert summary({"resource_changes": changes}) == said


def test_changed_outputs_alone_are_told() -> None:
    document = {"output_changes": {"site_url": {"actions": ["update"]}}}
    assert summary(document) == "only outputs would change."


LOCKED = """
╷
│ Error: Error acquiring the state lock
│
│ Error message: operation error S3: PutObject, https response error
│ StatusCode: 412, api error PreconditionFailed
│ Lock Info:
│   ID:        0d0d0d0d-aaaa-bbbb-cccc-121212121212
│   Path:      groundwork-tfstate-123456789012-us-east-1/dev/app.tfstate
│   Operation: OperationTypeApply
│   Who:       ada@laptop
│   Version:   1.11.4
│   Created:   2026-11-22 14:00:00.5 +0000 UTC
│   Info:
╵
"""


def test_whoever_holds_the_lock_is_named() -> None:
    said = lock_holder(LOCKED, DEV)
    assert said is not None
    assert "Another apply of dev is running: ada@laptop holds the lock since 2026-11-22 14" in said
    assert "make unlock ENV=dev ID=0d0d0d0d-aaaa-bbbb-cccc-121212121212" in said
    assert lock_holder("Error: something else", DEV) is None


def test_failures_end_the_command_and_changes_do_not() -> None:
    check(Outcome(2, ""), "plan", DEV)
    with pytest.raises(OperationError, match="terraform plan failed"):
        check(Outcome(1, "Error: no"), "plan", DEV)


def test_a_plan_that_was_overtaken_is_not_a_release() -> None:
    with pytest.raises(LockHeld, match="Somebody else changed dev after this was planned"):
        check(Outcome(1, "│ Error: Saved plan is stale\n"), "apply", DEV)


def test_protection_is_explained(tmp_path: Path) -> None:
    said = refusal(DEV, ["the table t has deletion protection", "the bucket b is not empty"])
    assert "the table t has deletion protection, the bucket b is not empty" in said
    assert "`protected = false` in envs/dev.tfvars, then make deploy ENV=dev" in said


def _releases(*entries: str) -> list[Release]:
    """`A`, `B`, …: a release of those images; `B>A`: a rollback that brought back release A."""
    made: list[Release] = []
    for number, entry in enumerate(entries):
        images, _, restores = entry.partition(">")
        found = next((each.id for each in made if each.id.endswith(f"-{restores}")), "")
        content = {"users": {"digest": f"sha256:{images}"}}
        made.append(Release(f"2026010{number}T000000Z-{images}", content, found))
    return made


@pytest.mark.parametrize(
    ("entries", "target"),
    [
        (("A", "B"), "A"),
        (("A", "B", "C"), "B"),
        (("A", "A", "B"), "A"),
        (("A", "B", "B"), "A"),  # the same images were released again
        (("A", "B", "C", "B>B"), "A"),  # further back, not to what was left behind
        (("A", "B", "C", "B>B", "D"), "B"),  # what ran before, not what was left behind
        (("A", "B", "B>B"), "A"),
    ],
)
def test_a_rollback_goes_to_what_ran_before(entries: tuple[str, ...], target: str) -> None:
    assert previous(_releases(*entries)).digests == {"users": f"sha256:{target}"}


@pytest.mark.parametrize("entries", [(), ("A",), ("A", "A"), ("A", "B", "A>A")])
def test_there_may_be_nothing_to_return_to(entries: tuple[str, ...]) -> None:
    with pytest.raises(OperationError, match="to return to"):
        previous(_releases(*entries))


def test_a_release_can_be_named_by_time_or_revision() -> None:
    known = _releases("abc1", "abd2", "fff3")
    assert previous(known, "abd").digests == {"users": "sha256:abd2"}
    assert previous(known, "20260100").digests == {"users": "sha256:abc1"}
    for wanted, reason in (("ab", "fits several releases"), ("nope", "is not a release")):
        with pytest.raises(OperationError, match=reason) as refused:
            previous(known, wanted)
        assert known[0].id in str(refused.value)


def test_releases_are_listed_newest_first() -> None:
    lines = listed(_releases("A", "B", "A>A")).splitlines()
    assert lines[0].strip().startswith("20260102T000000Z-A  (rollback to 20260100T000000Z-A)")
    assert lines[0].endswith("← runs now")
    assert [line.split()[0][-1] for line in lines] == ["A", "B", "A"]


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"users": {"tag": "latest"}}', "no json"]
)
def test_what_make_push_did_not_write_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "images.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OperationError, match="make push REGISTRY=registry/acme"):
        load(path, "registry/acme")


def test_images_by_digest_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "images.json"
    path.write_text(json.dumps({"users": {"digest": "sha256:a", "revision": "b"}}))
    assert load(path, "registry")["users"]["revision"] == "b"


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())


def test_without_anybody_to_ask_a_yes_is_needed_beforehand(
    monkeypatch: pytest.MonkeyPatch, nobody_there: None
) -> None:
    confirm("Apply?", yes=True)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(OperationError, match="YES=1"):
        confirm("Apply?", yes=False)


@pytest.mark.parametrize(("answer", "goes_on"), [("yes", True), ("YES ", True), ("y", False)])
def test_only_a_whole_yes_is_one(
    monkeypatch: pytest.MonkeyPatch, nobody_there: None, answer: str, goes_on: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    if goes_on:
        confirm("Apply?", yes=False)
        return
    with pytest.raises(OperationError, match="Nothing was changed"):
        confirm("Apply?", yes=False)


def _refused(code: str, message: str = "no") -> Exception:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (aws.NoCredentialsError(), "there are no AWS credentials. Sign in"),
        (aws.UnauthorizedSSOTokenError(), "the AWS sign-in has expired"),
        (aws.SSOTokenLoadError(error_msg="x"), "the AWS sign-in has expired"),
        (aws.ProfileNotFound(profile="p"), "list-profiles"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "AWS did not answer"),
        (_refused("ExpiredToken"), "the AWS credentials have expired"),
        (_refused("InvalidClientTokenId"), "AWS does not accept the credentials"),
        (_refused("AccessDenied", "not authorized to perform: x"), "AWS refuses it: not auth"),
        (_refused("ValidationException", "bad name"), "bad name (ValidationException)"),
    ],
)
def test_errors_of_aws_are_sentences(error: Exception, said: str) -> None:
    assert said in sentence(error)
    with (
        pytest.raises(OperationError, match="Could not count sheep: "),
        translated("count sheep"),
    ):
        raise error
