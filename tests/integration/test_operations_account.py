"""Commands in a local AWS account, Terraform left out: secrets, releases, the frontend's file."""

import io
import json
import shlex
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations import keys, outputs, releases, secrets
from operations.__main__ import main
from operations.account import Account, connect
from operations.deployment import Deployment
from operations.destroy import protections
from operations.environments import Environment
from operations.errors import OperationError
from operations.terraform import Terraform
from tests.integration.aws_fixtures import LocalAws

SITE = "https://app.example.com"
KEY = "sk_test_only_ever_stored"
NEW = "the session secret of today"


class Stack(Terraform):
    """A root whose outputs are known without applying anything."""

    def __init__(self, folder: Path, found: dict[str, Any]) -> None:
        super().__init__(folder, folder, {})
        self.found = found

    def outputs(self) -> dict[str, Any]:
        return self.found


@pytest.fixture
def account(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Account:
    for name, value in aws.config.aws_environment().items():
        monkeypatch.setenv(name, value)
    return Account(
        aws.config.account_id,
        "arn:aws:iam::123456789012:user/ada",
        aws.config.region,
        boto3.Session(region_name=aws.config.region),
    )


@pytest.fixture
def deployed(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """An environment of a project of its own, as Terraform leaves it: its secrets are unset."""
    project = f"p{uuid.uuid4().hex[:8]}"
    environment = Environment("dev", project, account.region, tmp_path / "dev.tfvars")
    for name in secrets.names(environment).values():
        account.client("ssm").put_parameter(Name=name, Value="unset", Type="SecureString")
    made = Deployment(environment, account, Stack(tmp_path, {"secret_names": None}))
    account.client("s3").create_bucket(Bucket=made.bucket)
    for module in (keys, outputs):
        monkeypatch.setattr(module, "open_environment", lambda _name: made)
    return made


def _value(deployed: Deployment, kind: str) -> str | None:
    return secrets.read(deployed.account, secrets.names(deployed.environment)[kind])


def _stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_first_run_makes_the_session_secret_and_names_what_is_unset(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stdin(monkeypatch, "")
    assert main(["secrets", "--env", "dev"]) == 0
    shown = capsys.readouterr().out
    [made] = json.loads(_value(deployed, secrets.SESSION) or "")
    assert len(made) == 64
    assert made not in shown
    project = deployed.environment.project
    assert f"  set    /{project}/dev/session-secrets" in shown
    assert f"  unset  /{project}/dev/stripe-secret-key" in shown
    assert "make stripe-setup ENV=dev" in shown
    main(["secrets", "--env", "dev"])
    assert json.loads(_value(deployed, secrets.SESSION) or "") == [made]


def test_a_rotation_keeps_the_secret_before_and_no_older_one(deployed: Deployment) -> None:
    for _ in range(3):
        main(["secrets", "--env", "dev", "--rotate", "--stripe", "keep"])
    second, first = json.loads(_value(deployed, secrets.SESSION) or "")
    main(["secrets", "--env", "dev", "--rotate", "--stripe", "keep"])
    assert json.loads(_value(deployed, secrets.SESSION) or "")[1] == second
    assert first not in (_value(deployed, secrets.SESSION) or "")


@pytest.mark.parametrize("weak", ['["unset"]', '["", null]', "[", "short", '["changeme"]'])
def test_what_opens_nothing_is_replaced_and_not_kept(deployed: Deployment, weak: str) -> None:
    secrets.write(deployed.account, secrets.names(deployed.environment)[secrets.SESSION], weak)
    main(["secrets", "--env", "dev", "--stripe", "keep"])
    [made] = json.loads(_value(deployed, secrets.SESSION) or "")
    assert len(made) == 64


def test_a_stripe_key_is_taken_from_standard_input_and_never_shown(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stdin(monkeypatch, f"{KEY}\n")
    assert main(["secrets", "--env", "dev", "--stripe", "stdin"]) == 0
    assert _value(deployed, secrets.STRIPE_KEY) == KEY
    assert KEY not in capsys.readouterr().out
    _stdin(monkeypatch, "\n")
    assert main(["secrets", "--env", "dev", "--stripe", "stdin"]) == 0
    assert _value(deployed, secrets.STRIPE_KEY) == KEY


def test_somebody_at_a_terminal_is_asked_once(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return KEY

    monkeypatch.setattr("getpass.getpass", ask)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    main(["secrets", "--env", "dev"])
    main(["secrets", "--env", "dev"])
    assert len(asked) == 1
    assert _value(deployed, secrets.STRIPE_KEY) == KEY


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("pk_test_1", "not a secret key"),
        ("whsec_1", "not a secret key"),
        ("sk_live_1", "dev must never charge anybody"),
        ("rk_live_1", "dev must never charge anybody"),
    ],
)
def test_a_key_that_does_not_belong_here_is_refused(
    deployed: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
    said: str,
) -> None:
    _stdin(monkeypatch, key)
    assert main(["secrets", "--env", "dev", "--stripe", "stdin"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert key not in error
    assert _value(deployed, secrets.STRIPE_KEY) is None


def test_secrets_manager_is_read_and_written_by_the_same_names(account: Account) -> None:
    name = f"p{uuid.uuid4().hex[:8]}/dev/stripe-secret-key"
    account.client("secretsmanager").create_secret(Name=name, SecretString="unset")
    assert secrets.read(account, name) is None
    secrets.write(account, name, KEY)
    assert secrets.read(account, name) == KEY
    secrets.put_first(account, name, NEW)
    assert secrets.read_list(account, name) == [NEW, KEY]


@pytest.mark.parametrize("name", ["/nobody/dev/session-secrets", "nobody/dev/session-secrets"])
def test_a_secret_that_terraform_did_not_make_is_not_made_here(account: Account, name: str) -> None:
    for attempt in (
        lambda: secrets.read(account, name),
        lambda: secrets.write(account, name, "value"),
    ):
        with pytest.raises(secrets.Missing, match="Deploy first"):
            attempt()


def test_a_secret_stays_encrypted_with_its_own_key(account: Account) -> None:
    ssm, name = account.client("ssm"), f"/p{uuid.uuid4().hex[:8]}/dev/stripe-secret-key"
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name=name, Value="unset", Type="SecureString", KeyId=key)
    secrets.write(account, name, KEY)
    query = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    [found] = ssm.describe_parameters(ParameterFilters=query)["Parameters"]
    assert found["KeyId"] == key
    assert secrets.read(account, name) == KEY


@pytest.mark.parametrize("value", ["", "  ", "unset"])
def test_nothing_is_written_in_place_of_a_secret(deployed: Deployment, value: str) -> None:
    name = secrets.names(deployed.environment)[secrets.STRIPE_KEY]
    secrets.write(deployed.account, name, KEY)
    with pytest.raises(OperationError, match="was not written"):
        secrets.write(deployed.account, name, value)
    assert secrets.read(deployed.account, name) == KEY


def _images(marker: str) -> dict[str, Any]:
    return {"users": {"digest": f"sha256:{marker}", "revision": marker * 10}}


def test_releases_are_remembered_in_order_and_rolled_back_to(deployed: Deployment) -> None:
    assert releases.newest(deployed) == []
    first = releases.record(deployed, _images("aaaa"))
    releases.record(deployed, _images("bbbb"))
    releases.record(deployed, _images("aaaa"), restores=first.id)
    known = releases.newest(deployed)
    assert [each.digests["users"] for each in known] == [
        "sha256:aaaa",
        "sha256:bbbb",
        "sha256:aaaa",
    ]
    assert [each.restores for each in known] == ["", "", first.id]
    assert known[0].id.endswith("-aaaaaaaaaaaa")
    assert known[0].images == _images("aaaa")
    assert releases.newest(deployed, 1) == known[-1:]
    with pytest.raises(OperationError, match="no earlier release"):
        releases.previous(known)


def test_a_release_is_the_file_as_it_was_deployed(deployed: Deployment) -> None:
    release = releases.record(deployed, _images("cccc"))
    found = deployed.account.client("s3").get_object(
        Bucket=deployed.bucket, Key=f"releases/dev/{release.id}.json"
    )
    assert json.loads(found["Body"].read()) == _images("cccc")


@pytest.fixture
def frontend(
    deployed: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, str]]:
    """Runs `make outputs` and returns what the file sets."""
    for name in outputs.INPUTS:
        monkeypatch.delenv(name, raising=False)
    cognito = deployed.account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]

    def run(*, with_secret: bool = False) -> dict[str, str]:
        made = cognito.create_user_pool_client(
            UserPoolId=pool, ClientName="web", GenerateSecret=with_secret
        )["UserPoolClient"]
        public = {
            "NEXT_PUBLIC_API_URL": "/backend",
            "NEXTAUTH_URL": SITE,
            "AWS_REGION": "us-east-1",
            "COGNITO_ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
            "COGNITO_CLIENT_ID": made["ClientId"],
            "COGNITO_USER_POOL_ID": pool,
            "COGNITO_DOMAIN": "p.auth.us-east-1.amazoncognito.com",
        }
        assert isinstance(deployed.terraform, Stack)
        deployed.terraform.found["frontend_environment"] = public
        path = tmp_path / "frontend.env"
        assert main(["outputs", "--env", "dev", "--file", str(path)]) == 0
        assert path.stat().st_mode & 0o777 == 0o600
        lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
        split = [line.partition("=") for line in lines]
        return {name: shlex.split(value)[0] for name, _, value in split}

    return run


def test_the_frontend_gets_every_variable(
    deployed: Deployment,
    frontend: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = secrets.names(deployed.environment)[secrets.SESSION]
    secrets.write(deployed.account, name, json.dumps(["", "unset", NEW, "old"]))
    monkeypatch.setenv("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_test_1")
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "id")
    monkeypatch.setenv("GOOGLE_CLIENT_SECRET", "with 'quotes' and $")
    found = frontend(with_secret=True)
    assert found.pop("COGNITO_CLIENT_SECRET")
    pool, client = found["COGNITO_USER_POOL_ID"], found["COGNITO_CLIENT_ID"]
    assert found == {
        "NEXT_PUBLIC_API_URL": "/backend",
        "NEXTAUTH_URL": SITE,
        "NEXTAUTH_SECRET": NEW,
        "COGNITO_CLIENT_ID": client,
        "COGNITO_ISSUER": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
        "NEXT_PUBLIC_AWS_REGION": "us-east-1",
        "NEXT_PUBLIC_COGNITO_USER_POOL_ID": pool,
        "NEXT_PUBLIC_COGNITO_CLIENT_ID": client,
        "NEXT_PUBLIC_COGNITO_DOMAIN": "p.auth.us-east-1.amazoncognito.com",
        "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY": "pk_test_1",
        "GOOGLE_CLIENT_ID": "id",
        "GOOGLE_CLIENT_SECRET": "with 'quotes' and $",
        "AWS_REGION": "us-east-1",
        "COGNITO_USER_POOL_ID": pool,
        "COGNITO_DOMAIN": "p.auth.us-east-1.amazoncognito.com",
    }
    assert NEW not in capsys.readouterr().out


def test_what_somebody_gave_once_is_kept_and_what_is_missing_is_named(
    frontend: Callable[..., dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GOOGLE_CLIENT_ID", "id with spaces")
    frontend()
    monkeypatch.delenv("GOOGLE_CLIENT_ID")
    found = frontend()
    assert found["GOOGLE_CLIENT_ID"] == "id with spaces"
    assert not {"NEXTAUTH_SECRET", "COGNITO_CLIENT_SECRET", "GOOGLE_CLIENT_SECRET"} & found.keys()
    shown = capsys.readouterr().out
    assert "NEXTAUTH_SECRET has no value" in shown
    assert "make secrets ENV=dev sets it" in shown


def _resource(kind: str, **values: Any) -> dict[str, Any]:
    return {"type": kind, "values": values}


def test_everything_that_would_stop_a_destruction_half_way_is_found(account: Account) -> None:
    s3, full, empty = account.client("s3"), f"full-{uuid.uuid4().hex}", f"empty-{uuid.uuid4().hex}"
    for bucket in (full, empty):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=full, Key="file", Body=b"x")
    inner = [
        _resource("aws_cognito_user_pool", name="people", deletion_protection="ACTIVE"),
        _resource("aws_cognito_user_pool", name="open", deletion_protection="INACTIVE"),
        _resource("aws_s3_bucket", bucket=full, force_destroy=False),
        _resource("aws_s3_bucket", bucket=full, force_destroy=True),
        _resource("aws_s3_bucket", bucket=empty, force_destroy=False),
    ]
    outer = [_resource("aws_dynamodb_table", name="rows", deletion_protection_enabled=True)]
    state = {
        "values": {"root_module": {"resources": outer, "child_modules": [{"resources": inner}]}}
    }
    assert list(protections(state, account)) == [
        "the table rows has deletion protection",
        "the user pool people has deletion protection",
        f"the bucket {full} is not empty",
    ]
    assert not list(protections({}, account))


def test_who_one_is_comes_from_the_credentials(account: Account) -> None:
    found = connect("us-east-1")
    assert (found.id, found.region) == ("123456789012", "us-east-1")
    assert found.caller.startswith("arn:aws:")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A shell in which nobody has signed in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    "command", ["plan", "deploy", "rollback", "drift", "destroy", "outputs", "secrets", "smoke"]
)
def test_without_credentials_each_command_is_one_sentence(
    nobody: None, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--env", "dev"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{command}: Could not look up who you are")
    assert "there are no AWS credentials. Sign in" in said.err
    assert said.err.count("\n") == 1
    assert main([command, "--env", "nowhere"]) == 1
    assert "There are: dev, staging, prod." in capsys.readouterr().err


def test_the_doctor_reports_missing_credentials_as_its_only_problem(
    nobody: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--env", "dev", "--json"]) == 1
    [found] = json.loads(capsys.readouterr().out)
    assert (found["check"], found["state"]) == ("AWS credentials", "problem")


def test_without_a_state_bucket_bootstrap_is_named(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--env", "staging"]) == 1
    error = capsys.readouterr().err
    assert "The state bucket groundwork-tfstate-123456789012-us-east-1 does not exist" in error
    assert "make bootstrap" in error
