"""The authoriser in front of local AWS: whoever has policies needs them to allow the request.

The stack's own key, and keys that local IAM and STS have not made, are administrators: everything
is allowed, and costs one look at the key.
"""

import functools
import sys
from collections.abc import Mapping
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.iam import recorder
from localcloud.aws.iam.actions import accesses
from localcloud.aws.iam.actions.s3 import listing
from localcloud.aws.iam.call import Call, Unmapped, credential_of
from localcloud.aws.iam.callers import Caller, Callers
from localcloud.aws.iam.evaluation import reason_to_refuse
from localcloud.aws.iam.gaps import report
from localcloud.aws.iam.policy import Access
from localcloud.aws.iam.refusals import Kind, refused

READING = frozenset({"GET", "HEAD"})
# Of users' keys and of sessions' keys ("IAM identifiers", unique identifiers).
MADE_PREFIXES = frozenset({"AKIA", "ASIA"})


class BadKey(Exception):
    """Credentials that are not accepted: `kind` says why."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.name)
        self.kind = kind


class Gate:
    """Judges requests; one for a server."""

    def __init__(self, access_key_id: str) -> None:
        self._administrator = f"AWS4-HMAC-SHA256 Credential={access_key_id}/"
        self.callers = Callers()

    def refusal(self, service: str, environ: Mapping[str, Any]) -> Answer | None:
        """The answer to a request that is not allowed; None: let it through.

        Raises:
            Exception: the request is malformed, as its service would say as well.
        """
        if environ.get("HTTP_AUTHORIZATION", "").startswith(self._administrator):
            return None
        credential = credential_of(environ)
        if credential is None:
            return None
        token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or _token_in(environ["QUERY_STRING"])
        try:
            caller = self.identified(credential.access_key_id, token)
        except BadKey as error:
            return refused(service, environ, error.kind)
        if caller is None:
            return None
        call = Call(service, credential.region, caller, environ)
        try:
            needed = accesses(call)
        except Unmapped as gap:
            report(str(gap))
            recorder.record(caller.name, Access(f"{service}:{call.operation or '?'}", "*"), False)
            return refused(service, environ, Kind.DENIED, f"iam: {gap}")
        message = first_refusal(caller, needed)
        return None if message is None else refused(service, environ, Kind.DENIED, message)

    def identified(self, access_key_id: str, token: str | None) -> Caller | None:
        """Whose key it is; None: an administrator's.

        Raises:
            BadKey: the session's token is another or has ended, or local AWS has made the key and
                forgotten it since, as after a reset.
        """
        caller = self.callers.find(access_key_id)
        if caller is None:
            if _was_made_here(access_key_id):
                raise BadKey(Kind.INVALID)
            return None
        if caller.token is not None and token != caller.token:
            raise BadKey(Kind.INVALID)
        if caller.is_expired:
            raise BadKey(Kind.EXPIRED)
        return caller

    def veiled(self, environ: Mapping[str, Any], answer: Answer) -> Answer:
        """S3's answer as the caller may see it: 403 for a missing object in an unlistable bucket.

        After "GetObject" of the S3 API reference: who has no `s3:ListBucket` gets 403, not 404.
        """
        credential = credential_of(environ)
        if answer.status != 404 or credential is None or environ["REQUEST_METHOD"] not in READING:
            return answer
        caller = self.callers.find(credential.access_key_id)
        if caller is None:
            return answer
        needed = listing(Call("s3", credential.region, caller, environ))
        reason = reason_to_refuse(caller.policies, needed)
        if reason is None:
            return answer
        return refused("s3", environ, Kind.DENIED, sentence(caller, needed, reason))


def _was_made_here(access_key_id: str) -> bool:
    return access_key_id[:4] in MADE_PREFIXES and access_key_id[4:12] == _account_part()


@functools.cache
def _account_part() -> str:
    """The fifth to twelfth characters of keys: they name the account, as in AWS."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.iam.utils import generate_access_key_id_from_account_id

    return str(generate_access_key_id_from_account_id(DEFAULT_ACCOUNT_ID, prefix=""))[:8]


def first_refusal(caller: Caller, needed: list[Access]) -> str | None:
    """Judges and records all of them; IAM's sentence on the first that is refused.

    It is printed when it is new, since functions log no more than a refusal's code.
    """
    first = None
    for access in needed:
        reason = reason_to_refuse(caller.policies, access)
        count = recorder.record(caller.name, access, reason is None)
        if reason is not None and first is None:
            first = sentence(caller, access, reason)
            if count == 1:
                print(f"iam: {first}", file=sys.stderr, flush=True)
    return first


def sentence(caller: Caller, access: Access, reason: str) -> str:
    return (
        f"User: {caller.arn} is not authorized to perform: {access.action} "
        f"on resource: {access.resource} {reason}"
    )


def _token_in(query: str) -> str | None:
    if "X-Amz-Security-Token" not in query:
        return None
    from urllib.parse import parse_qs

    return parse_qs(query).get("X-Amz-Security-Token", [None])[0]
