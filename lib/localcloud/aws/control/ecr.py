"""ECR repairs: an image's digest is the hash of its manifest, and a wrong digest is refused.

Stock moto hashes the names of the layers, so that no client finds what it pushed by its digest.
"""

import hashlib

from moto.core.exceptions import JsonRESTError
from moto.ecr.exceptions import ImageAlreadyExistsException, RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository

from localcloud.aws.repair import repair


def _digest(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


@repair(Image, "_create_digest")
def create_digest(self: Image) -> None:
    """The digest of the manifest's bytes (OCI Image Specification, "Digests")."""
    self._image_digest = _digest(self.image_manifest)


@repair(ECRBackend, "put_image")
def put_image(  # noqa: PLR0917 - moto's parameters
    self: ECRBackend,
    repository_name: str,
    image_manifest: str,
    image_tag: str,
    image_manifest_mediatype: str | None = None,
    digest: str | None = None,
) -> Image:
    """Raises AWS's errors for an unknown repository, a wrong digest, an image that is there."""
    repository = self.repositories.get(repository_name)
    if repository is None:
        raise RepositoryNotFoundException(repository_name, self.account_id)
    actual = _digest(image_manifest)
    if digest and digest != actual:
        message = f"The provided digest {digest} does not match the image's, {actual}."
        raise JsonRESTError("ImageDigestDoesNotMatchException", message)
    known = [image for image in repository.images if image.get_image_digest() == actual]
    if known and not image_tag:
        raise ImageAlreadyExistsException(
            repository_name=repository_name,
            registry_id=repository.registry_id,
            digest=actual,
            image_tag="",
        )
    if not known and _is_fixed(repository, image_tag):
        message = f"The image tag '{image_tag}' already exists in '{repository_name}' repository."
        raise JsonRESTError("ImageTagAlreadyExistsException", f"{message} It is immutable.")
    image: Image = put_image.stock(  # type: ignore[attr-defined]
        self, repository_name, image_manifest, image_tag, image_manifest_mediatype, actual
    )
    return image


def _is_fixed(repository: Repository, tag: str | None) -> bool:
    """Whether another image has the tag, and tags cannot be moved."""
    held = any(tag in image.image_tags for image in repository.images) if tag else False
    return held and repository.image_tag_mutability == "IMMUTABLE"
