"""The server's side of SRP as Cognito speaks it: RFC 5054's 3072-bit group, Cognito's own padding.

Hashes are SHA-256; numbers are hashed in the form of Java's `BigInteger.toByteArray`, that is with
a leading zero byte when the top bit is set. The session key is HKDF of S with the info "Caldera
Derived Key", and a client proves it by an HMAC over pool, user, secret block and timestamp.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

# RFC 5054, appendix A, 3072-bit group; its generator there is 5, Cognito's is 2.
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
INFO = b"Caldera Derived Key\x01"


class BadPublicValueError(ValueError):
    """The client's A is no hexadecimal number, or 0 modulo N, which would make any password fit."""


@dataclass(frozen=True)
class Challenge:
    """One started SRP sign-in; `secret_block` (base64) names it, all other fields are numbers."""

    pool_name: str
    user_id: str
    salt: int
    client_public: int
    server_public: int
    server_secret: int
    verifier: int
    secret_block: str

    def proved_by(self, signature: str, timestamp: str) -> bool:
        """Whether `signature` (base64) shows that the client knows the password."""
        message = (
            self.pool_name.encode()
            + self.user_id.encode()
            + base64.b64decode(self.secret_block)
            + timestamp.encode()
        )
        expected = hmac.digest(self._key(), message, "sha256")
        return hmac.compare_digest(base64.b64encode(expected), signature.encode())

    def _key(self) -> bytes:
        u = _hashed(_bytes(self.client_public) + _bytes(self.server_public))
        shared = pow(self.client_public * pow(self.verifier, u, N), self.server_secret, N)
        extracted = hmac.digest(_bytes(u), _bytes(shared), "sha256")
        return hmac.digest(extracted, INFO, "sha256")[:16]


def start(pool_name: str, user_id: str, password: str, salt: int, client_public: str) -> Challenge:
    """Answer a client's A (hexadecimal); raises `BadPublicValueError`."""
    try:
        a = int(client_public, 16)
    except ValueError:
        raise BadPublicValueError(client_public) from None
    if a % N == 0 or not 0 < a < N:
        raise BadPublicValueError(client_public)
    identity = hashlib.sha256(f"{pool_name}{user_id}:{password}".encode()).digest()
    verifier = pow(G, _hashed(_bytes(salt) + identity), N)
    secret = secrets.randbits(256)
    k = _hashed(_bytes(N) + bytes([G]))
    public = (k * verifier + pow(G, secret, N)) % N
    block = base64.b64encode(secrets.token_bytes(64)).decode()
    return Challenge(pool_name, user_id, salt, a, public, secret, verifier, block)


def _bytes(number: int) -> bytes:
    """Big-endian two's complement in as few bytes as possible."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hashed(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest(), "big")
