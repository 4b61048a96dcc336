"""Cognito repairs, each shown through boto3, pycognito (SRP) and a plain JWT verifier."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.utilities.utils import load_resource
from pycognito.aws_srp import AWSSRP

from localcloud.aws.cognito import codes
from localcloud.aws.cognito.errors import CognitoError
from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

PASSWORD = "Correct-Horse-7-Battery"


@dataclass
class Functions:
    """The Lambda Invoke API as the launcher serves it: records events, answers as told."""

    events: list[dict[str, Any]] = field(default_factory=list)
    invoked: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None
    during: Callable[[], Any] | None = None


@pytest.fixture(scope="module")
def invoke_api(aws: LocalAws) -> Iterator[Functions]:  # noqa: F811
    functions = Functions()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            functions.invoked.append(self.path)
            functions.events.append(event)
            if functions.during:
                functions.during()
            body = json.dumps(functions.error or event).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if functions.error:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", aws.config.control_port), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield functions
    server.shutdown()
    server.server_close()


@pytest.fixture
def functions(invoke_api: Functions) -> Iterator[Functions]:
    invoke_api.events.clear()
    invoke_api.invoked.clear()
    yield invoke_api
    invoke_api.error = invoke_api.during = None


class Pool:
    """One stack's pool as its site uses it: unsigned calls with the public client."""

    def __init__(self, aws: LocalAws) -> None:  # noqa: F811
        self.aws = aws
        self.id = aws.provisioned.user_pool_id
        self.client_id = aws.provisioned.user_pool_client_id
        self.issuer = aws.provisioned.issuer
        self.admin = aws.client("cognito-idp")
        self.api = aws.client(
            "cognito-idp",
            config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        )

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self.api, action)(ClientId=self.client_id, **parameters)
        return answer

    def refuses(self, code: str, action: str, **parameters: Any) -> str:
        """The message of the refusal."""
        with pytest.raises(ClientError) as refused:
            self.call(action, **parameters)
        assert refused.value.response["Error"]["Code"] == code
        return str(refused.value.response["Error"]["Message"])

    def new_address(self) -> str:
        return f"user-{uuid4().hex[:10]}@example.com"

    def mails(self, to: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.aws.config.aws_url}/_local/mail") as answer:
            mails: list[dict[str, Any]] = json.load(answer)
        return [mail for mail in mails if mail["to"] == to]

    def code(self, to: str) -> str:
        return str(self.mails(to)[0]["code"])

    def sign_up(self, address: str) -> str:
        sub: str = self.call("sign_up", Username=address, Password=PASSWORD)["UserSub"]
        return sub

    def confirmed(self) -> tuple[str, str]:
        """A fresh, confirmed user: (address, sub)."""
        address = self.new_address()
        sub = self.sign_up(address)
        self.call("confirm_sign_up", Username=address, ConfirmationCode=self.code(address))
        return address, sub

    def password_sign_in(self, address: str, password: str = PASSWORD) -> dict[str, Any]:
        parameters = {"USERNAME": address, "PASSWORD": password}
        answer = self.call(
            "initiate_auth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    def srp_sign_in(self, address: str, password: str = PASSWORD) -> dict[str, Any]:
        srp = AWSSRP(address, password, self.id, self.client_id, client=self.api)
        result: dict[str, Any] = srp.authenticate_user()["AuthenticationResult"]
        return result

    def key(self, token: str) -> Any:
        return jwt.PyJWKClient(f"{self.issuer}/.well-known/jwks.json").get_signing_key_from_jwt(
            token
        )

    def claims(self, token: str, **options: Any) -> dict[str, Any]:
        return jwt.decode(
            token, self.key(token), algorithms=["RS256"], issuer=self.issuer, **options
        )


@pytest.fixture(scope="module")
def shared_pool(aws: LocalAws) -> Pool:  # noqa: F811
    return Pool(aws)


@pytest.fixture
def pool(shared_pool: Pool, functions: Functions) -> Pool:
    """The pool, with a function that answers its trigger."""
    return shared_pool


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


# Sign-up and codes


def test_sign_up_mails_a_code_and_only_that_code_confirms(pool: Pool) -> None:
    address = pool.new_address()
    answer = pool.call("sign_up", Username=address, Password=PASSWORD)
    assert answer["UserConfirmed"] is False
    assert answer["CodeDeliveryDetails"]["Destination"] == "u***@e***"
    (mail,) = pool.mails(address)
    assert mail["source"] == "cognito"
    assert len(mail["code"]) == 6
    assert mail["code"] in mail["body"]

    wrong = {"Username": address, "ConfirmationCode": other_code(mail["code"])}
    pool.refuses("CodeMismatchException", "confirm_sign_up", **wrong)
    pool.refuses(
        "NotAuthorizedException", "initiate_auth", **password_flow(address, "Wrong-1-pass")
    )
    pool.refuses("UserNotConfirmedException", "initiate_auth", **password_flow(address))
    pool.call("confirm_sign_up", Username=address, ConfirmationCode=mail["code"])
    user = pool.admin.admin_get_user(UserPoolId=pool.id, Username=address)
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
    again = {"Username": address, "ConfirmationCode": mail["code"]}
    pool.refuses("NotAuthorizedException", "confirm_sign_up", **again)


def password_flow(address: str, password: str = PASSWORD) -> dict[str, Any]:
    parameters = {"USERNAME": address, "PASSWORD": password}
    return {"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}


def test_guessing_a_code_ends_after_five_attempts(pool: Pool) -> None:
    address = pool.new_address()
    pool.sign_up(address)
    code = pool.code(address)
    for _ in range(5):
        wrong = {"Username": address, "ConfirmationCode": other_code(code)}
        pool.refuses("CodeMismatchException", "confirm_sign_up", **wrong)
    right = {"Username": address, "ConfirmationCode": code}
    pool.refuses("LimitExceededException", "confirm_sign_up", **right)
    pool.call("resend_confirmation_code", Username=address)
    pool.call("confirm_sign_up", Username=address, ConfirmationCode=pool.code(address))


def test_resending_a_code_replaces_the_old_one(pool: Pool) -> None:
    address = pool.new_address()
    pool.sign_up(address)
    first = pool.code(address)
    details = pool.call("resend_confirmation_code", Username=address)["CodeDeliveryDetails"]
    assert details["DeliveryMedium"] == "EMAIL"
    second = pool.code(address)
    assert len(pool.mails(address)) == 2
    if first != second:
        old = {"Username": address, "ConfirmationCode": first}
        pool.refuses("CodeMismatchException", "confirm_sign_up", **old)
    pool.call("confirm_sign_up", Username=address, ConfirmationCode=second)
    pool.refuses("InvalidParameterException", "resend_confirmation_code", Username=address)


def test_codes_expire() -> None:
    code = codes.new_code("password", now=1000.0)
    codes.check(code, code.value, now=1000.0 + 3599)
    with pytest.raises(CognitoError) as refused:
        codes.check(code, code.value, now=1000.0 + 3600)
    assert refused.value.error_type == "ExpiredCodeException"


def test_an_address_is_taken_in_any_case(pool: Pool) -> None:
    address, sub = pool.confirmed()
    shouted = {"Username": address.upper(), "Password": PASSWORD}
    pool.refuses("UsernameExistsException", "sign_up", **shouted)
    assert pool.claims(
        pool.password_sign_in(address.upper())["AccessToken"]
    )["sub"] == sub  # fmt: skip


def test_one_of_many_sign_ups_at_once_wins(pool: Pool) -> None:
    address = pool.new_address()

    def sign_up(index: int) -> bool:
        name = address if index % 2 else address.upper()
        try:
            pool.call("sign_up", Username=name, Password=PASSWORD)
        except pool.api.exceptions.UsernameExistsException:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(sign_up, range(16))) == 1


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("Short-1", "not long enough"),
        ("no-uppercase-1234", "uppercase"),
        ("NO-LOWERCASE-1234", "lowercase"),
        ("No-Numbers-Here", "numeric"),
    ],
)
def test_the_password_policy_is_enforced(pool: Pool, password: str, missing: str) -> None:
    address = pool.new_address()
    weak = {"Username": address, "Password": password}
    assert missing in pool.refuses("InvalidPasswordException", "sign_up", **weak)
    assert pool.mails(address) == []


@pytest.mark.parametrize("name", ["email_verified", "sub", "cognito:groups"])
def test_users_cannot_write_what_cognito_vouches_for(pool: Pool, name: str) -> None:
    attributes = [{"Name": name, "Value": "true"}]
    user = {"Username": pool.new_address(), "Password": PASSWORD, "UserAttributes": attributes}
    pool.refuses("NotAuthorizedException", "sign_up", **user)


def test_a_password_cannot_smuggle_parameters(pool: Pool) -> None:
    """Stock moto parses the JSON body as a query string before it looks at the JSON."""
    address, victim = pool.new_address(), pool.new_address()
    pool.call("sign_up", Username=address, Password=f"Abcdefgh-1234&Username={victim}&x")
    assert pool.mails(victim) == []
    assert len(pool.mails(address)) == 1


# Signing in


def test_srp_signs_in_with_the_right_password_only(pool: Pool) -> None:
    address, sub = pool.confirmed()
    assert pool.claims(pool.srp_sign_in(address)["AccessToken"])["sub"] == sub
    with pytest.raises(ClientError) as refused:
        pool.srp_sign_in(address, "Wrong-Horse-7-Battery")
    assert refused.value.response["Error"] == {
        "Code": "NotAuthorizedException",
        "Message": "Incorrect username or password.",
    }


def test_an_unknown_user_looks_like_a_wrong_password(pool: Pool) -> None:
    address = pool.new_address()
    with pytest.raises(ClientError) as by_srp:
        pool.srp_sign_in(address)
    with pytest.raises(ClientError) as by_password:
        pool.password_sign_in(address)
    for refused in (by_srp, by_password):
        assert refused.value.response["Error"]["Code"] == "NotAuthorizedException"
        assert refused.value.response["Error"]["Message"] == "Incorrect username or password."
    start = {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": address, "SRP_A": "a1"}}
    first, second = (pool.call("initiate_auth", **start)["ChallengeParameters"] for _ in range(2))
    for name in ("SALT", "USER_ID_FOR_SRP"):
        assert first[name] == second[name], "would tell that nobody is there"
    assert first["SRP_B"] != second["SRP_B"]
    assert pool.call("resend_confirmation_code", Username=address)
    assert pool.call("forgot_password", Username=address)
    code = {"Username": address, "ConfirmationCode": "123456"}
    pool.refuses("ExpiredCodeException", "confirm_sign_up", **code)
    pool.refuses("CodeMismatchException", "confirm_forgot_password", **code, Password=PASSWORD)
    assert pool.mails(address) == []


@pytest.mark.parametrize("public", ["0", "zz", "", "-5", "0" * 10])
def test_an_srp_value_that_fits_any_password_is_refused(pool: Pool, public: str) -> None:
    address, _ = pool.confirmed()
    start = {"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": address, "SRP_A": public}}
    pool.refuses("InvalidParameterException", "initiate_auth", **start)


def test_an_srp_challenge_serves_once_and_its_own_user(pool: Pool) -> None:
    mine, _ = pool.confirmed()
    other, _ = pool.confirmed()
    srp = AWSSRP(mine, PASSWORD, pool.id, pool.client_id, client=pool.api)
    challenge = pool.call(
        "initiate_auth", AuthFlow="USER_SRP_AUTH", AuthParameters=srp.get_auth_params()
    )["ChallengeParameters"]
    responses = srp.process_challenge(challenge, {"USERNAME": mine})
    answer = {"ChallengeName": "PASSWORD_VERIFIER"}
    stolen = {**responses, "USERNAME": other}
    pool.refuses(
        "NotAuthorizedException", "respond_to_auth_challenge", **answer, ChallengeResponses=stolen
    )
    pool.refuses(
        "NotAuthorizedException",
        "respond_to_auth_challenge",
        **answer,
        ChallengeResponses=responses,
    )


def test_a_new_password_challenge_serves_its_own_user(pool: Pool) -> None:
    """Stock moto sets the password of whichever user is named in the answer."""
    victim, _ = pool.confirmed()
    invited = pool.new_address()
    pool.admin.admin_create_user(
        UserPoolId=pool.id,
        Username=invited,
        TemporaryPassword=PASSWORD,
        MessageAction="SUPPRESS",
    )
    challenge = pool.call("initiate_auth", **password_flow(invited))
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answer = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": challenge["Session"]}
    stolen = {"USERNAME": victim, "NEW_PASSWORD": "Another-Horse-8-Battery"}
    pool.refuses(
        "NotAuthorizedException", "respond_to_auth_challenge", **answer, ChallengeResponses=stolen
    )
    assert pool.password_sign_in(victim)["AccessToken"]
    own = {"USERNAME": invited, "NEW_PASSWORD": "Another-Horse-8-Battery"}
    tokens = pool.call("respond_to_auth_challenge", **answer, ChallengeResponses=own)
    assert tokens["AuthenticationResult"]["AccessToken"]


def test_an_invited_user_gets_a_temporary_password_by_mail(pool: Pool) -> None:
    invited = pool.new_address()
    invite = {"UserPoolId": pool.id, "Username": invited}
    created = pool.admin.admin_create_user(**invite)["User"]["Username"]
    again = pool.admin.admin_create_user(**invite, MessageAction="RESEND")["User"]["Username"]
    assert again == created
    newest, oldest = (mail["body"].split()[-1].rstrip(".") for mail in pool.mails(invited))
    pool.refuses("NotAuthorizedException", "initiate_auth", **password_flow(invited, oldest))
    challenge = pool.call("initiate_auth", **password_flow(invited, newest))
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_flow_that_the_client_does_not_allow_is_refused(pool: Pool) -> None:
    address, _ = pool.confirmed()
    client = pool.admin.create_user_pool_client(UserPoolId=pool.id, ClientName=uuid4().hex)
    with pytest.raises(ClientError) as refused:
        pool.api.initiate_auth(
            ClientId=client["UserPoolClient"]["ClientId"], **password_flow(address)
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


# Tokens


def test_tokens_are_what_a_verifier_expects(pool: Pool) -> None:
    address, sub = pool.confirmed()
    pool.admin.create_group(UserPoolId=pool.id, GroupName=f"admin-{sub[:8]}")
    pool.admin.admin_add_user_to_group(
        UserPoolId=pool.id, Username=address, GroupName=f"admin-{sub[:8]}"
    )
    result = pool.password_sign_in(address)
    access = pool.claims(result["AccessToken"])
    identity = pool.claims(result["IdToken"], audience=pool.client_id)
    assert (access["token_use"], identity["token_use"]) == ("access", "id")
    assert (access["client_id"], identity["aud"]) == (pool.client_id, pool.client_id)
    assert access["sub"] == identity["sub"] == identity["cognito:username"] == sub
    assert (identity["email"], identity["email_verified"]) == (address, True)
    assert access["cognito:groups"] == identity["cognito:groups"] == [f"admin-{sub[:8]}"]
    assert access["exp"] - access["iat"] == result["ExpiresIn"] == 3600
    assert abs(access["iat"] - time.time()) < 10
    assert jwt.get_unverified_header(result["AccessToken"])["kid"] == pool.key(
        result["AccessToken"]
    ).key_id  # fmt: skip


def test_the_issuer_is_local_and_serves_its_configuration(pool: Pool) -> None:
    assert pool.issuer == f"{pool.aws.config.aws_url}/{pool.id}"
    with urllib.request.urlopen(f"{pool.issuer}/.well-known/openid-configuration") as answer:
        document = json.load(answer)
    assert document["issuer"] == pool.issuer
    assert document["jwks_uri"] == f"{pool.issuer}/.well-known/jwks.json"


def test_the_key_published_in_moto_signs_nothing(pool: Pool) -> None:
    address, _ = pool.confirmed()
    token = pool.password_sign_in(address)["AccessToken"]
    known = load_resource("cognitoidp/resources/jwks-private.json")
    claims = pool.claims(token)
    forged = jwt.encode(
        claims,
        jwt.PyJWK({**known, "alg": "RS256"}).key,
        "RS256",
        {"kid": jwt.get_unverified_header(token)["kid"]},
    )
    with pytest.raises(jwt.InvalidSignatureError):
        pool.claims(forged)
    with pytest.raises(ClientError):
        pool.api.get_user(AccessToken=forged)


def test_refresh_tokens_renew_until_revoked(pool: Pool) -> None:
    address, sub = pool.confirmed()
    first = pool.srp_sign_in(address)
    flow = {
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": first["RefreshToken"]},
    }
    renewed = pool.call("initiate_auth", **flow)["AuthenticationResult"]
    assert "RefreshToken" not in renewed
    assert pool.claims(renewed["AccessToken"])["sub"] == sub
    pool.api.revoke_token(Token=first["RefreshToken"], ClientId=pool.client_id)
    pool.refuses("NotAuthorizedException", "initiate_auth", **flow)
    with pytest.raises(ClientError) as refused:
        pool.api.get_user(AccessToken=renewed["AccessToken"])
    assert refused.value.response["Error"]["Code"] == "NotAuthorizedException"
    invented = {"REFRESH_TOKEN": "no-such-token"}
    pool.refuses(
        "NotAuthorizedException",
        "initiate_auth",
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters=invented,
    )


def test_get_user_until_global_sign_out(pool: Pool) -> None:
    address, sub = pool.confirmed()
    tokens = pool.password_sign_in(address)
    user = pool.api.get_user(AccessToken=tokens["AccessToken"])
    assert user["Username"] == sub
    assert {"Name": "email", "Value": address} in user["UserAttributes"]
    pool.api.global_sign_out(AccessToken=tokens["AccessToken"])
    with pytest.raises(ClientError) as refused:
        pool.api.get_user(AccessToken=tokens["AccessToken"])
    assert refused.value.response["Error"]["Code"] == "NotAuthorizedException"


# Forgotten and changed passwords


def test_a_forgotten_password_is_reset_by_the_mailed_code(pool: Pool, functions: Functions) -> None:
    address, sub = pool.confirmed()
    pool.call("forgot_password", Username=address)
    code, chosen = pool.code(address), "Another-Horse-8-Battery"
    wrong = {"Username": address, "ConfirmationCode": other_code(code), "Password": chosen}
    pool.refuses("CodeMismatchException", "confirm_forgot_password", **wrong)
    weak = {"Username": address, "ConfirmationCode": code, "Password": "weak"}
    pool.refuses("InvalidPasswordException", "confirm_forgot_password", **weak)
    right = {"Username": address, "ConfirmationCode": code, "Password": chosen}
    pool.call("confirm_forgot_password", **right)
    assert functions.events[-1]["triggerSource"] == "PostConfirmation_ConfirmForgotPassword"
    pool.refuses("ExpiredCodeException", "confirm_forgot_password", **right)
    pool.refuses("NotAuthorizedException", "initiate_auth", **password_flow(address))
    assert pool.claims(pool.srp_sign_in(address, chosen)["AccessToken"])["sub"] == sub


def test_changing_a_password_needs_the_old_one(pool: Pool) -> None:
    address, _ = pool.confirmed()
    token = pool.password_sign_in(address)["AccessToken"]
    change = {"AccessToken": token, "ProposedPassword": "Another-Horse-8-Battery"}
    with pytest.raises(ClientError) as refused:
        pool.api.change_password(**change, PreviousPassword="Wrong-Horse-7-Battery")
    assert refused.value.response["Error"]["Code"] == "NotAuthorizedException"
    pool.api.change_password(**change, PreviousPassword=PASSWORD)
    assert pool.password_sign_in(address, "Another-Horse-8-Battery")


def test_a_protected_pool_is_not_deleted(pool: Pool) -> None:
    made = pool.admin.create_user_pool(PoolName="protected", DeletionProtection="ACTIVE")
    name = {"UserPoolId": made["UserPool"]["Id"]}
    with pytest.raises(ClientError, match="deletion protection is activated") as refused:
        pool.admin.delete_user_pool(**name)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    pool.admin.update_user_pool(**name, DeletionProtection="INACTIVE")
    pool.admin.delete_user_pool(**name)


# The post-confirmation trigger


def test_confirming_calls_the_function_with_the_real_event(
    pool: Pool, functions: Functions
) -> None:
    address, sub = pool.confirmed()
    (path,) = functions.invoked
    arn = "arn:aws:lambda:us-east-1:123456789012:function:users-post-confirmation"
    assert unquote(path) == f"/2015-03-31/functions/{arn}/invocations"
    assert functions.events == [
        {
            "version": "1",
            "region": pool.aws.config.region,
            "userPoolId": pool.id,
            "userName": sub,
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": pool.client_id,
            },
            "triggerSource": "PostConfirmation_ConfirmSignUp",
            "request": {
                "userAttributes": {
                    "sub": sub,
                    "email": address,
                    "email_verified": "true",
                    "cognito:user_status": "CONFIRMED",
                }
            },
            "response": {},
        }
    ]


def test_a_failing_function_is_reported_and_the_user_stays_confirmed(
    pool: Pool, functions: Functions
) -> None:
    functions.error = {"errorType": "RuntimeError", "errorMessage": "the table is away"}
    address = pool.new_address()
    pool.sign_up(address)
    code = {"Username": address, "ConfirmationCode": pool.code(address)}
    message = pool.refuses("UserLambdaValidationException", "confirm_sign_up", **code)
    assert message == "PostConfirmation failed with error the table is away."
    assert pool.password_sign_in(address)["AccessToken"]


def test_a_function_may_call_cognito_while_it_runs(pool: Pool, functions: Functions) -> None:
    """No lock is held while the trigger is out."""
    answers: list[int] = []

    def look_up() -> None:
        user = pool.admin.admin_get_user(
            UserPoolId=pool.id, Username=functions.events[-1]["userName"]
        )
        answers.append(user["ResponseMetadata"]["HTTPStatusCode"])

    functions.during = look_up
    pool.confirmed()
    assert answers == [200]


def test_a_resource_server_can_be_changed_and_deleted(aws: LocalAws) -> None:  # noqa: F811
    """Terraform's provider does both; stock moto can only make one."""
    cognito = aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=uuid4().hex)["UserPool"]["Id"]
    server = {"UserPoolId": pool, "Identifier": "https://api.example.com"}
    cognito.create_resource_server(**server, Name="api")
    scope = {"ScopeName": "read", "ScopeDescription": "Read everything"}
    cognito.update_resource_server(**server, Name="renamed", Scopes=[scope])
    found = cognito.describe_resource_server(**server)["ResourceServer"]
    assert (found["Name"], found["Scopes"]) == ("renamed", [scope])
    cognito.delete_resource_server(**server)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.describe_resource_server(**server)
    cognito.delete_user_pool(UserPoolId=pool)
