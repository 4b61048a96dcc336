"""Routes of the ai domain."""

import time
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from ai import generate, history, uploads, usage
from ai.schemas import (
    Generation,
    GenerationRequest,
    HistoryPage,
    UploadRequest,
    UploadTicket,
    Usage,
)
from saas.auth import identify
from saas.schemas import Success

router = APIGatewayRouter()


@router.post("/ai/generate", summary="Answer a prompt", tags=["ai"])
def generate_text(body: GenerationRequest) -> Success[Generation]:
    """One call of the plan's quota. `tokens` of the answer are input plus output."""
    identity = identify(router.current_event.raw_event, body.user_id)
    remaining = router.lambda_context.get_remaining_time_in_millis() / 1000
    return Success(data=generate.generate(identity, body, deadline=time.monotonic() + remaining))


@router.get("/ai/history", summary="The caller's calls, newest first", tags=["ai"])
def list_history(
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HistoryPage:
    """`nextCursor` stands beside `data` when there is more; pass it as `cursor`."""
    identity = identify(router.current_event.raw_event)
    return history.newest(identity.user_id, limit=limit, cursor=cursor)


@router.get("/ai/usage", summary="What the plan's month has used and has left", tags=["ai"])
def show_usage() -> Success[Usage]:
    """Calls in flight count with the most that they can use."""
    return Success(data=usage.summary(identify(router.current_event.raw_event)))


@router.post("/upload/url", summary="An address to upload one file to", tags=["uploads"])
def create_upload(body: UploadRequest) -> Success[UploadTicket]:
    """The browser PUTs the file to `uploadUrl` with exactly this content type and size."""
    identity = identify(router.current_event.raw_event, body.user_id)
    return Success(data=uploads.create(identity, body))
