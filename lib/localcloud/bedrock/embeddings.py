"""Titan text embeddings: deterministic vectors in which texts with common words lie close.

Source of the shapes: Amazon Bedrock user guide, "Amazon Titan Embeddings Text", version 2.
"""

import hashlib
import math
import re
from collections import Counter
from typing import Any

from localcloud.bedrock import tokens
from localcloud.bedrock.errors import BedrockError, invalid

DIMENSIONS = (256, 512, 1024)
MAX_TOKENS = 8_192
MAX_CHARACTERS = 50_000
_TYPES = ("float", "binary")
_KEYS = frozenset({"inputText", "dimensions", "normalize", "embeddingTypes"})
_WORD = re.compile(r"\w+")
_WORD_WEIGHT, _TRIGRAM_WEIGHT = 1.0, 0.35
_PLACES = 4
# Words that say little about a text's subject weigh little.
_STOP_WEIGHT = 0.15
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a an and are as at be by can do for from how i in is it my not of on or our that the this "
        "to was we what when where which who why will with you your"
    )
)


def embed(body: Any) -> dict[str, Any]:
    """The answer to an InvokeModel body.

    Raises:
        BedrockError: ValidationException, worded as Bedrock's.
    """
    text, dimensions, normalize, types = _read(body)
    count = tokens.count(text)
    if count > MAX_TOKENS:
        raise invalid(
            "400 Bad Request: Too many input tokens. "
            f"Max input tokens: {MAX_TOKENS}, request input token count: {count} "
        )
    values = vector(text, dimensions, normalize=normalize)
    by_type: dict[str, list[Any]] = {"float": values}
    if "binary" in types:
        by_type["binary"] = [int(value > 0) for value in values]
    return {"embedding": values, "embeddingsByType": by_type, "inputTextTokenCount": count}


def vector(text: str, dimensions: int, *, normalize: bool = True) -> list[float]:
    """Signed feature hashing of words and of their letter trigrams, of length 1 if `normalize`."""
    values = [0.0] * dimensions
    for feature, weight in _features(text).items():
        digest = hashlib.blake2b(
            feature.encode("utf-8", "replace"), digest_size=4 * _PLACES
        ).digest()
        for start in range(0, len(digest), 4):
            number = int.from_bytes(digest[start : start + 4], "big")
            values[(number >> 1) % dimensions] += weight if number & 1 else -weight
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    scale = length if normalize else 1.0
    return [value / scale for value in values]


def _features(text: str) -> dict[str, float]:
    """Features with their weights; a repeated word counts by the logarithm of its number."""
    words = Counter(_WORD.findall(text.casefold())) or Counter([text])
    features: dict[str, float] = {}
    for word, times in words.items():
        strength = (1 + math.log(times)) * (_STOP_WEIGHT if word in _STOP_WORDS else 1)
        features[f"w:{word}"] = _WORD_WEIGHT * strength
        padded = f" {word} "
        for start in range(len(padded) - 2):
            trigram = f"t:{padded[start : start + 3]}"
            features[trigram] = features.get(trigram, 0.0) + _TRIGRAM_WEIGHT * strength
    return features


def _read(body: Any) -> tuple[str, int, bool, list[str]]:
    if not isinstance(body, dict):
        raise _malformed("#: expected type: JSONObject, found: other")
    for key in body:
        if key not in _KEYS:
            raise _malformed(f"#: extraneous key [{key}] is not permitted")
    if "inputText" not in body:
        raise _malformed("#: required key [inputText] not found")
    text = body["inputText"]
    dimensions = body.get("dimensions", 1024)
    normalize, types = body.get("normalize", True), body.get("embeddingTypes", ["float"])
    if not isinstance(text, str):
        raise _malformed("#/inputText: expected type: String")
    if not 1 <= len(text) <= MAX_CHARACTERS:
        bound = "minLength: 1" if not text else f"maxLength: {MAX_CHARACTERS}"
        raise _malformed(f"#/inputText: expected {bound}, actual: {len(text)}")
    if isinstance(dimensions, bool) or dimensions not in DIMENSIONS:
        raise _malformed(f"#/dimensions: {dimensions} is not a valid enum value")
    if not isinstance(normalize, bool):
        raise _malformed("#/normalize: expected type: Boolean")
    if not isinstance(types, list) or not types or any(kind not in _TYPES for kind in types):
        raise _malformed("#/embeddingTypes: not a valid enum value")
    return text, dimensions, normalize, types


def _malformed(detail: str) -> BedrockError:
    return invalid(f"Malformed input request: {detail}, please reformat your input and try again.")
