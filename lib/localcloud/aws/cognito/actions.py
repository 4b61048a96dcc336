"""Cognito's unsigned and repaired actions: sign-up, codes, passwords, tokens, and their trigger."""

import json
from collections.abc import Callable
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser, CognitoIdpUserPool, UserStatus
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.responses import ActionResult, EmptyResult

# Imported for their repairs of moto.
from localcloud.aws.cognito import auth, codes, pool_settings, tokens, triggers
from localcloud.aws.cognito.errors import (
    CognitoError,
    invalid_parameter,
    not_authorized,
    user_not_found,
    wrong_credentials,
)
from localcloud.aws.cognito.pools import (
    EMAIL,
    Found,
    check_client_secret,
    check_own_attributes,
    find_by_token,
    find_client,
    hides_unknown_users,
)
from localcloud.aws.routing import LOCKS, LocalRequest

__all__ = ["CognitoResponse", "auth", "handler", "pool_settings"]


class CognitoResponse(CognitoIdpResponse):  # type: ignore[misc]  # moto has no types
    """Moto's actions, with ours in place of those that did not check anything."""

    def __init__(self) -> None:
        super().__init__()
        self.trigger: triggers.Trigger | None = None

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        # Stock moto reads the JSON body as a query string too: a password "x&Username=y" is two
        # parameters to it.
        return json.loads(self.body).get(param_name, if_none)

    def _client(self) -> Found:
        backend, pool, client = find_client(self._get_param("ClientId"))
        username = self._get_param("Username")
        if username is not None:
            check_client_secret(client, username, self._get_param("SecretHash"))
        return backend, pool, client

    def sign_up(self) -> ActionResult:
        """SignUp: an unconfirmed user with a mailed code; the address in any case is one user."""
        backend, pool, _ = self._client()
        username, password = self._get_param("Username"), self._get_param("Password")
        attributes = self._get_param("UserAttributes") or []
        if (pool.extended_config.get("AdminCreateUserConfig") or {}).get(
            "AllowAdminCreateUserOnly"
        ):
            raise not_authorized("SignUp is not permitted for this user pool")
        check_own_attributes(pool, attributes)
        by_email = "email" in (pool.extended_config.get("UsernameAttributes") or [])
        if by_email and not EMAIL.fullmatch(username):
            raise invalid_parameter("Username should be an email.")
        backend._validate_password(pool.id, password or "")
        if pool._get_user(username):
            message = "An account with the given email already exists." if by_email else None
            raise CognitoError("UsernameExistsException", message or "User already exists")
        user = _create_user(pool, None if by_email else username, password, attributes)
        if by_email:
            user.update_attributes([{"Name": "email", "Value": username}])
        answer = {"UserConfirmed": False, "UserSub": user.id}
        if "email" in user.attribute_lookup:
            user.update_attributes([{"Name": "email_verified", "Value": "false"}])
            codes.send(pool, user, "signup")
            answer["CodeDeliveryDetails"] = codes.delivery(user.attribute_lookup["email"])
        return ActionResult(answer)

    def confirm_sign_up(self) -> ActionResult:
        """ConfirmSignUp: only the right code, in time; then the post-confirmation trigger."""
        _, pool, client = self._client()
        user = pool._get_user(self._get_param("Username"))
        if user is None:
            # An unknown user looks like one whose code has expired.
            if hides_unknown_users(client):
                codes.check(None, "", 0)
            raise user_not_found()
        if user.status != UserStatus.UNCONFIRMED:
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status.value}")
        codes.consume(user, "signup", self._get_param("ConfirmationCode") or "")
        self._confirm(pool, user, client.id)
        return EmptyResult()

    def admin_confirm_sign_up(self) -> ActionResult:
        """AdminConfirmSignUp: no code, the same trigger."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        user = self.backend.admin_get_user(pool.id, self._get_param("Username"))
        if user.status != UserStatus.UNCONFIRMED:
            raise not_authorized(f"User cannot be confirmed. Current status is {user.status.value}")
        user.status = UserStatus.CONFIRMED
        self._after(pool, user, "CLIENT_ID_NOT_APPLICABLE", "ConfirmSignUp")
        return EmptyResult()

    def admin_create_user(self) -> ActionResult:
        """AdminCreateUser: a temporary password by mail, unless given or suppressed.

        Stock moto sends nothing, and RESEND replaces the user by a new one.
        """
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        password = self._get_param("TemporaryPassword") or codes.temporary_password()
        self.backend._validate_password(pool.id, password)
        action, username = self._get_param("MessageAction"), self._get_param("Username")
        if action == "RESEND":
            user = self.backend.admin_get_user(pool.id, username)
            user.password = password
        else:
            user = self.backend.admin_create_user(
                pool.id, username, action, password, self._get_param("UserAttributes") or []
            )
        if action != "SUPPRESS" and "email" in user.attribute_lookup:
            codes.invite(pool, user, password)
        return ActionResult({"User": user.to_json(extended=True)})

    def _confirm(self, pool: CognitoIdpUserPool, user: CognitoIdpUser, client_id: str) -> None:
        user.status = UserStatus.CONFIRMED
        if "email" in (pool.extended_config.get("AutoVerifiedAttributes") or []):
            user.update_attributes([{"Name": "email_verified", "Value": "true"}])
        self._after(pool, user, client_id, "ConfirmSignUp")

    def _after(self, pool: Any, user: Any, client_id: str, source: str) -> None:
        metadata = self._get_param("ClientMetadata")
        self.trigger = triggers.post_confirmation(pool, user, client_id, source, metadata)

    def resend_confirmation_code(self) -> ActionResult:
        """ResendConfirmationCode: a new code by mail; stock moto answers 500."""
        _, pool, client = self._client()
        username = self._get_param("Username")
        user = pool._get_user(username)
        if user is None:
            return self._simulated(client, username)
        if user.status != UserStatus.UNCONFIRMED:
            raise invalid_parameter("User is already confirmed.")
        codes.send(pool, user, "signup")
        return ActionResult({"CodeDeliveryDetails": codes.delivery(user.attribute_lookup["email"])})

    def _simulated(self, client: Any, username: str) -> ActionResult:
        if not hides_unknown_users(client):
            raise user_not_found()
        return ActionResult({"CodeDeliveryDetails": codes.delivery(username)})

    def forgot_password(self) -> ActionResult:
        """ForgotPassword: a code to a verified address."""
        _, pool, client = self._client()
        username = self._get_param("Username")
        user = pool._get_user(username)
        if user is None:
            return self._simulated(client, username)
        if not user.enabled:
            raise not_authorized("User is disabled.")
        if user.status == UserStatus.FORCE_CHANGE_PASSWORD:
            raise not_authorized("User password cannot be reset in the current state.")
        if user.attribute_lookup.get("email_verified") != "true":
            raise invalid_parameter(
                "Cannot reset password for the user as there is no registered/verified email "
                "or phone_number"
            )
        codes.send(pool, user, "password")
        return ActionResult({"CodeDeliveryDetails": codes.delivery(user.attribute_lookup["email"])})

    def confirm_forgot_password(self) -> ActionResult:
        """ConfirmForgotPassword: the mailed code and a password of the pool's policy."""
        backend, pool, client = self._client()
        user = pool._get_user(self._get_param("Username"))
        if user is None and not hides_unknown_users(client):
            raise user_not_found()
        password = self._get_param("Password") or ""
        backend._validate_password(pool.id, password)
        if user is None:
            codes.check(codes.new_code("password", 1.0), "", 0)
        codes.consume(user, "password", self._get_param("ConfirmationCode") or "")
        user.password = password
        user.status = UserStatus.CONFIRMED
        self._after(pool, user, client.id, "ConfirmForgotPassword")
        return EmptyResult()

    def change_password(self) -> ActionResult:
        """ChangePassword: needs the old one."""
        backend, pool, user = find_by_token(self._get_param("AccessToken"))
        if user.password != self._get_param("PreviousPassword"):
            raise wrong_credentials()
        password = self._get_param("ProposedPassword") or ""
        backend._validate_password(pool.id, password)
        user.password = password
        return EmptyResult()

    def update_user_attributes(self) -> ActionResult:
        """UpdateUserAttributes: a new address is unverified, and must be nobody else's."""
        _, pool, user = find_by_token(self._get_param("AccessToken"))
        attributes = self._get_param("UserAttributes") or []
        check_own_attributes(pool, attributes)
        email = next((a["Value"] for a in attributes if a["Name"] == "email"), None)
        if email is not None and email != user.attribute_lookup.get("email"):
            other = pool._get_user(email)
            if other is not None and other is not user:
                raise CognitoError(
                    "AliasExistsException", "An account with the given email already exists."
                )
            attributes = [*attributes, {"Name": "email_verified", "Value": "false"}]
        user.update_attributes(attributes)
        return ActionResult({"CodeDeliveryDetailsList": []})

    def delete_user(self) -> ActionResult:
        """DeleteUser: users delete themselves; missing in moto."""
        backend, pool, user = find_by_token(self._get_param("AccessToken"))
        pool.sign_out(user.username)
        backend.admin_delete_user(pool.id, user.username)
        return EmptyResult()

    def global_sign_out(self) -> ActionResult:
        """GlobalSignOut: all of the user's tokens end."""
        _, pool, user = find_by_token(self._get_param("AccessToken"))
        pool.sign_out(user.username)
        return EmptyResult()

    def admin_user_global_sign_out(self) -> ActionResult:
        """AdminUserGlobalSignOut, by whichever name the user is given."""
        pool = self.backend.describe_user_pool(self._get_param("UserPoolId"))
        pool.sign_out(self.backend.admin_get_user(pool.id, self._get_param("Username")).username)
        return EmptyResult()

    def revoke_token(self) -> ActionResult:
        """RevokeToken: a refresh token and its access tokens; missing in moto."""
        _, pool, _ = self._client()
        tokens.revoke(pool, self._get_param("Token"))
        return EmptyResult()


def _create_user(
    pool: CognitoIdpUserPool, username: str | None, password: str, attributes: list[dict[str, str]]
) -> CognitoIdpUser:
    user = CognitoIdpUser(pool.id, username, password, UserStatus.UNCONFIRMED, attributes)
    pool.users[user.username] = user
    return user


def handler(control_url: str) -> Callable[[LocalRequest], Any]:
    """A handler for Cognito that calls triggers at `control_url`."""

    def handle(request: LocalRequest) -> Any:
        if request.path.endswith((tokens.JWKS_SUFFIX, tokens.OPENID_SUFFIX)):
            return tokens.published(request.path.split("/")[1], request.path)
        response = CognitoResponse()
        with LOCKS.of("cognito-idp"):
            answer = response._dispatch(request, request.raw_url, request.headers)
        if response.trigger:
            triggers.call(response.trigger, control_url)
        return answer

    return handle
