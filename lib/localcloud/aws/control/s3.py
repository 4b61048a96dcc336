"""S3 repair: a versioned bucket can be emptied; stock moto fails on the markers of deleted keys."""

from moto.s3.models import FakeDeleteMarker

from localcloud.aws.repair import added


@added(FakeDeleteMarker)
def dispose(self: FakeDeleteMarker, garbage: bool = False) -> None:  # noqa: ARG001 - moto's parameters
    """A marker has no content to free."""
