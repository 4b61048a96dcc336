"""Moto forgets what is gone; stock moto keeps every model object that was ever made.

Stock moto appends each object to a list of its class, for a dashboard that is not served here.
DynamoDB copies the items that it reads, so that memory grew with every request.
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
    """A replaced S3 object closes its file; stock moto warns that this was not done before."""
    self.dispose()
