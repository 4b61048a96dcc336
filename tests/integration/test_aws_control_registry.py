"""ECR repairs: an image is found by the digest that every client computes."""

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def ecr(aws: LocalAws) -> Any:  # noqa: F811
    return aws.client("ecr")


@pytest.fixture
def repository(ecr: Any) -> str:
    name = f"project-{uuid4().hex[:8]}/users"
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    return name


def manifest(text: str) -> tuple[str, str]:
    """A manifest with its digest; layers are the same for all."""
    layer = {"digest": f"sha256:{'a' * 64}", "size": 1, "mediaType": "x"}
    config = {"digest": f"sha256:{'b' * 64}", "size": 1, "mediaType": text}
    body = {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": [layer]}
    document = json.dumps(body, indent=3)
    return document, f"sha256:{hashlib.sha256(document.encode()).hexdigest()}"


def test_the_digest_of_an_image_is_that_of_its_manifest(ecr: Any, repository: str) -> None:
    """Stock moto hashes the layers' names, which are the same for both images here."""
    digests = []
    for tag in ("one", "two"):
        document, digest = manifest(tag)
        pushed = ecr.put_image(repositoryName=repository, imageManifest=document, imageTag=tag)
        assert pushed["image"]["imageId"] == {"imageDigest": digest, "imageTag": tag}
        digests.append(digest)
        wanted = {"repositoryName": repository, "imageIds": [{"imageDigest": digest}]}
        (found,) = ecr.batch_get_image(**wanted)["images"]
        assert found["imageManifest"] == document
        (described,) = ecr.describe_images(**wanted)["imageDetails"]
        assert described["imageTags"] == [tag]
    assert len(set(digests)) == 2


def test_an_image_without_a_tag_is_found_by_its_digest(ecr: Any, repository: str) -> None:
    document, digest = manifest("untagged")
    ecr.put_image(repositoryName=repository, imageManifest=document)
    ids = ecr.list_images(repositoryName=repository)["imageIds"]
    assert ids == [{"imageDigest": digest}]


def refusal(ecr: Any, repository: str, document: str, **more: str) -> str:
    with pytest.raises(ClientError) as error:
        ecr.put_image(repositoryName=repository, imageManifest=document, **more)
    return str(error.value.response["Error"]["Code"])


def test_what_cannot_be_pushed_is_refused(ecr: Any, repository: str) -> None:
    document, _ = manifest("x")
    other, _ = manifest("y")
    wrong = f"sha256:{'0' * 64}"
    digest_refused = refusal(ecr, repository, document, imageTag="t", imageDigest=wrong)
    assert digest_refused == "ImageDigestDoesNotMatchException"
    assert refusal(ecr, f"{repository}x", document, imageTag="t") == "RepositoryNotFoundException"
    ecr.put_image(repositoryName=repository, imageManifest=document, imageTag="t")
    assert refusal(ecr, repository, document, imageTag="t") == "ImageAlreadyExistsException"
    assert refusal(ecr, repository, document) == "ImageAlreadyExistsException"
    # The repository's tags are immutable.
    assert refusal(ecr, repository, other, imageTag="t") == "ImageTagAlreadyExistsException"
