"""Believable token counts: about four UTF-8 bytes a token, never more tokens than bytes."""

BYTES_PER_TOKEN = 4


def count(text: str) -> int:
    """Tokens of a text: 0 for none, at least 1 for any."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def cut(text: str, limit: int) -> str:
    """The begin of `text` that has at most `limit` tokens, on a character boundary."""
    return text.encode("utf-8", "replace")[: limit * BYTES_PER_TOKEN].decode("utf-8", "ignore")
