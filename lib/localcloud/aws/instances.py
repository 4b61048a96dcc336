"""Moto forgets what is gone; stock moto keeps every model object that was ever made.

Stock moto appends each object to a list of its class, for a dashboard that is not served here. DynamoDB
copies an item for each read, so that memory grew with every request.
"""

from typing import Any

from moto.core.common_models import BaseModel
from moto.s3.models import FakeKey

from localcloud.aws.repair import repair


@repair(BaseModel, "__new__")
def new(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - moto's parameters
    """An object that nobody keeps but its owner."""
    return object.__new__(cls)


@repair(FakeKey, "__del__")
def close_value(self: FakeKey) -> None:
    """An S3 object that was replaced closes its file; stock moto does so at a reset and warns here."""
    self.dispose()
