"""Messages of `application/vnd.amazon.eventstream`.

Source: Smithy, "Amazon Event Stream Specification": prelude (total length, headers length, their
CRC32), headers, payload, CRC32 of everything before it; all numbers big endian.
"""

import json
import struct
import zlib
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7


def event(name: str, payload: dict[str, Any]) -> bytes:
    """One event of a stream, such as `contentBlockDelta`."""
    return _message(
        {":event-type": name, ":content-type": "application/json", ":message-type": "event"},
        payload,
    )


def exception(name: str, message: str) -> bytes:
    """An error in mid-stream, such as `throttlingException`; nothing follows it."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return _message(headers, {"message": message})


def _message(headers: dict[str, str], payload: dict[str, Any]) -> bytes:
    head = b"".join(_header(name, value) for name, value in headers.items())
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    # 12 bytes of prelude and 4 of the closing checksum.
    lengths = struct.pack(">II", 12 + len(head) + len(body) + 4, len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + body
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack(">B", len(key)) + key + struct.pack(">BH", _STRING, len(text)) + text
