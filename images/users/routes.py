"""Routes of the users domain."""

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from saas.auth import identify
from saas.schemas import Failure, MaybeSuccess, Success
from users import profiles
from users.schemas import Profile, ProfileChange, SessionRequest, User

router = APIGatewayRouter()


@router.post("/auth/session", summary="Read or create the caller's user", tags=["users"])
def session(body: SessionRequest) -> MaybeSuccess[User] | Failure:
    """`getUser` and `createUser` of the existing frontend; both only concern the caller.

    An unknown action is answered with status 200 and an error, as the frontend expects.
    """
    named = body.user_data.id if body.user_data else None
    identity = identify(router.current_event.raw_event, body.user_id, named)
    match body.action:
        case "getUser":
            return MaybeSuccess(data=profiles.find(identity))
        case "createUser":
            return MaybeSuccess(data=profiles.create(identity, body.user_data))
    return Failure(
        error="Invalid action",
        code="invalid_action",
        request_id=router.lambda_context.aws_request_id,
    )


@router.get("/users/me", summary="The caller's profile", tags=["users"])
def me() -> Success[Profile]:
    """Created on first sight from the verified identity."""
    return Success(data=profiles.see(identify(router.current_event.raw_event)))


@router.patch("/users/me", summary="Change name or preferences", tags=["users"])
def change_me(body: ProfileChange) -> Success[Profile]:
    """Absent properties stay as they are; `preferences` are replaced as a whole."""
    return Success(data=profiles.change(identify(router.current_event.raw_event), body))
