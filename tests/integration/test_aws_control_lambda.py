"""Lambda repairs, shown through boto3: settings that moto drops, versions, images."""

import hashlib
import json

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import aws  # noqa: F401
from tests.integration.lambda_stage import FIRST, SECOND, Stage, stage  # noqa: F401

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


# Settings


def test_settings_are_answered_as_they_were_set(stage: Stage) -> None:  # noqa: F811
    queue = f"arn:aws:sqs:us-east-1:123456789012:{stage.name}"
    logs = {"LogFormat": "JSON", "LogGroup": "/elsewhere", "SystemLogLevel": "WARN"}
    stage.create(
        DeadLetterConfig={"TargetArn": queue},
        LoggingConfig=logs,
        TracingConfig={"Mode": "Active"},
    )
    found = stage.client.get_function_configuration(FunctionName=stage.name)
    assert found["DeadLetterConfig"] == {"TargetArn": queue}
    assert found["LoggingConfig"] == {**logs, "ApplicationLogLevel": "INFO"}
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["ImageConfigResponse"]["ImageConfig"]["Command"] == ["users.handler.api"]


def test_every_setting_can_be_changed(stage: Stage) -> None:  # noqa: F811
    stage.create()
    changed = {
        "TracingConfig": {"Mode": "Active"},
        "EphemeralStorage": {"Size": 1024},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/elsewhere"},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"},
    }
    stage.client.update_function_configuration(
        FunctionName=stage.name, ImageConfig={"Command": ["other.handler"]}, **changed
    )
    found = stage.client.get_function_configuration(FunctionName=stage.name)
    assert {name: found[name] for name in changed} == changed
    assert found["ImageConfigResponse"]["ImageConfig"]["Command"] == ["other.handler"]
    stage.client.update_function_configuration(FunctionName=stage.name, Environment={})
    assert "Environment" not in stage.client.get_function_configuration(FunctionName=stage.name)


# Versions


def test_a_published_version_never_changes(stage: Stage) -> None:  # noqa: F811
    """Stock moto changes the image of all versions, so that nothing could be rolled back to."""
    assert stage.create()["Version"] == "1"
    stage.alias()
    environment = {"Variables": {"A": "2"}}
    assert stage.deploy(SECOND, Environment=environment, Timeout=29) == "2"
    old, new = stage.get("1"), stage.get("2")
    assert old["Code"]["ImageUri"] == old["Code"]["ResolvedImageUri"]
    assert old["Code"]["ImageUri"] == f"{stage.repository}@{FIRST}"
    assert new["Code"]["ImageUri"] == f"{stage.repository}@{SECOND}"
    assert old["Configuration"]["CodeSha256"] == FIRST.removeprefix("sha256:")
    assert old["Configuration"]["Environment"] == {"Variables": {"A": "1"}}
    assert (old["Configuration"]["Timeout"], new["Configuration"]["Timeout"]) == (10, 29)


def test_an_alias_leads_to_one_version_until_it_is_moved(stage: Stage) -> None:  # noqa: F811
    stage.create()
    stage.alias()
    stage.deploy(SECOND)
    before = stage.get("live")
    assert before["Code"]["ImageUri"].endswith(FIRST)
    assert before["Configuration"]["Version"] == "1"
    assert before["Configuration"]["FunctionArn"].endswith(f":function:{stage.name}:live")
    stage.client.update_alias(FunctionName=stage.name, Name="live", FunctionVersion="2")
    assert stage.get("live")["Code"]["ImageUri"].endswith(SECOND)


def test_publishing_without_a_change_makes_no_version(stage: Stage) -> None:  # noqa: F811
    stage.create()
    assert stage.client.publish_version(FunctionName=stage.name)["Version"] == "1"
    assert stage.deploy(SECOND) == "2"
    stage.client.delete_function(FunctionName=stage.name, Qualifier="2")
    assert stage.deploy(FIRST) == "3", "a number is never given again"


def test_code_can_be_published_in_one_call(stage: Stage) -> None:  # noqa: F811
    stage.create()
    answer = stage.client.update_function_code(
        FunctionName=stage.name, ImageUri=f"{stage.repository}@{SECOND}", Publish=True
    )
    assert answer["Version"] == "2"
    assert stage.get("1")["Code"]["ImageUri"].endswith(FIRST)


# Images


def test_an_image_must_be_in_its_repository(stage: Stage) -> None:  # noqa: F811
    ecr = stage.aws.client("ecr")
    name = f"{stage.name}/users"
    ecr.create_repository(repositoryName=name)
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        stage.create()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []})
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="1")
    stage.create(digest)
    with pytest.raises(ClientError, match=r"Source image .* does not exist"):
        stage.deploy(SECOND)
    assert stage.get("$LATEST")["Code"]["ImageUri"].endswith(digest)
    by_tag = stage.client.update_function_code(
        FunctionName=stage.name, ImageUri=f"{stage.repository}:1"
    )
    assert by_tag["CodeSha256"] == digest.removeprefix("sha256:")


def test_an_image_for_several_platforms_is_refused(stage: Stage) -> None:  # noqa: F811
    ecr = stage.aws.client("ecr")
    name = f"{stage.name}/users"
    ecr.create_repository(repositoryName=name)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    pushed = ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="1")
    digest = pushed["image"]["imageId"]["imageDigest"]
    with pytest.raises(ClientError, match="media type for the source image"):
        stage.create(digest)
