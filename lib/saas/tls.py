"""Whom TLS connections trust, without reading every authority at each cold start."""

import re
import ssl
from functools import lru_cache
from pathlib import Path

# OpenSSL's names for certificates in a folder ("CApath"): the hash of the subject, and a number.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")


@lru_cache(maxsize=2)
def context(ca_bundle: str = "") -> ssl.SSLContext:
    """Trusts the authorities of the file `ca_bundle`, else those of the system.

    Debian keeps the same authorities as one file and as a folder. OpenSSL reads all of the file,
    which costs about what starting Python costs, but of the folder only the one that it needs.
    A system without such a folder, or whose `SSL_CERT_FILE` names a file, gets the file.
    """
    if ca_bundle:
        return ssl.create_default_context(cafile=ca_bundle)
    paths = ssl.get_default_verify_paths()
    redirected = paths.cafile not in (None, paths.openssl_cafile)
    if paths.capath and not redirected and _is_hashed(Path(paths.capath)):
        return ssl.create_default_context(capath=paths.capath)
    return ssl.create_default_context()


def _is_hashed(folder: Path) -> bool:
    return any(_HASHED.fullmatch(path.name) for path in folder.iterdir())
