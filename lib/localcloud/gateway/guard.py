"""Who may talk to the local API and to the control endpoints.

The stack listens on loopback, but a browser on this machine also runs other sites' scripts. A name
that resolves to 127.0.0.1 (DNS rebinding) and a cross-site form are the two ways in.
"""

from collections.abc import Collection

_NAMES = ("localhost", "127.0.0.1", "[::1]")
_SAFE = ("GET", "HEAD", "OPTIONS")


def host_is_local(host: str) -> bool:
    """Whether a Host header names this machine; a rebound name is somebody else's."""
    name = host.lower()
    if name.rpartition(":")[2].isdigit():
        name = name.rpartition(":")[0]
    return name in _NAMES


def refusal(host: str, method: str, origin: str | None, allowed: Collection[str]) -> str | None:
    """Why a control request is refused, None if it is not.

    A state-changing request with an `Origin` must come from one of `allowed`; scripts and test
    programs, which send none, are let through.
    """
    if not host_is_local(host):
        return f"Only localhost and 127.0.0.1 are served, not {host}"
    if method not in _SAFE and origin is not None and origin not in allowed:
        return f"Requests from {origin} may not change local state"
    return None
