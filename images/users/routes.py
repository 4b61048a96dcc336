"""Routes of the users domain."""

from saas.invocation import RequestId, SignedIn
from saas.routing import Router
from saas.schemas import Failure, MaybeSuccess, Success
from users import profiles
from users.schemas import Profile, ProfileChange, SessionRequest, User

router = Router("users")


@router.post("/auth/session", summary="Read or create the caller's user")
def session(
    caller: SignedIn, body: SessionRequest, request_id: RequestId
) -> MaybeSuccess[User] | Failure:
    """`getUser` and `createUser` of the existing frontend; both only concern the caller.

    An unknown action is answered with status 200 and an error, as the frontend expects.
    """
    match body.action:
        case "getUser":
            return MaybeSuccess(data=profiles.find(caller))
        case "createUser":
            return MaybeSuccess(data=profiles.create(caller, body.user_data))
    return Failure(error="Invalid action", code="invalid_action", request_id=request_id)


@router.get("/users/me", summary="The caller's profile")
def me(caller: SignedIn) -> Success[Profile]:
    """Created on first sight from the verified identity."""
    return Success(data=profiles.see(caller))


@router.patch("/users/me", summary="Change name or preferences")
def change_me(caller: SignedIn, body: ProfileChange) -> Success[Profile]:
    """Absent properties stay as they are; `preferences` are replaced as a whole."""
    return Success(data=profiles.change(caller, body))
