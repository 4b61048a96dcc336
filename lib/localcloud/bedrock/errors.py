"""Errors as Bedrock sends them: status, `x-amzn-errortype`, and a JSON body with `message`."""

import json

from aiohttp import web

# Status codes of the service model's exceptions ("bedrock-runtime", `error.httpStatusCode`).
STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InternalServerException": 500,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "NotImplementedException": 501,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
_SUFFIX = "http://internal.amazon.com/coral/com.amazon.bedrock/"


class BedrockError(Exception):
    """A refusal; `code` is one of `STATUS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def response(self, request_id: str) -> web.Response:
        return web.Response(
            body=json.dumps({"message": self.message}).encode(),
            status=STATUS[self.code],
            headers={
                "Content-Type": "application/json",
                "x-amzn-RequestId": request_id,
                "x-amzn-ErrorType": f"{self.code}:{_SUFFIX}",
            },
        )


def invalid(message: str) -> BedrockError:
    return BedrockError("ValidationException", message)
