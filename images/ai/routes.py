"""Routes of the ai domain."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from ai import generate, history, uploads, usage
from ai.schemas import (
    Generation,
    GenerationRequest,
    HistoryPage,
    UploadRequest,
    UploadTicket,
    Usage,
)
from saas.invocation import Deadline, SignedIn
from saas.routing import Router
from saas.schemas import Success

router = Router("ai")


@router.post("/ai/generate", summary="Answer a prompt", errors=[429, 502, 504])
def generate_text(
    caller: SignedIn, body: GenerationRequest, deadline: Deadline
) -> Success[Generation]:
    """One call of the plan's quota. `tokens` of the answer are input plus output."""
    return Success(data=generate.generate(caller, body, deadline=deadline))


@router.get("/ai/history", summary="The caller's calls, newest first", errors=[400])
def list_history(
    caller: SignedIn,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HistoryPage:
    """`nextCursor` stands beside `data` when there is more; pass it as `cursor`."""
    return history.newest(caller, limit=limit, cursor=cursor)


@router.get("/ai/usage", summary="What the plan's month has used and has left")
def show_usage(caller: SignedIn) -> Success[Usage]:
    """Calls in flight count with the most that they can use."""
    return Success(data=usage.summary(caller))


@router.post("/upload/url", summary="An address to upload one file to", errors=[429])
def create_upload(caller: SignedIn, body: UploadRequest) -> Success[UploadTicket]:
    """The browser PUTs the file to `uploadUrl` with exactly this content type and size."""
    return Success(data=uploads.create(caller, body))
