"""Who is trusted: an authority in a folder by hash, in a file, or nobody else."""

import datetime
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saas import tls
from saas.connections import Connections, NoAnswer, Unreachable

# `openssl x509 -subject_hash` of the authority's name below.
HASH = "57d55cce"


def certificate(folder: Path) -> Path:
    """A certificate for `localhost` that is its own authority, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Groundwork test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "localhost.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def port(authority: Path) -> Iterator[int]:
    """Serves TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, context), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.sendall(b"hello")
        except OSError:
            connection.close()


def greeting(context: ssl.SSLContext, port: int) -> bytes:
    """What the server says to a client of that context."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.recv(5)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine whose folder of authorities is this, and whose file of authorities is empty."""
    folder = tmp_path / "certs"
    folder.mkdir()
    nothing = tmp_path / "cert.pem"
    nothing.touch()
    paths = ssl.DefaultVerifyPaths(
        str(nothing), str(folder), "SSL_CERT_FILE", str(nothing), "SSL_CERT_DIR", str(folder)
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    tls.context.cache_clear()
    yield folder
    tls.context.cache_clear()


def test_the_name_of_a_hash_is_what_openssl_says(authority: Path) -> None:
    try:
        done = subprocess.run(
            ["openssl", "x509", "-noout", "-subject_hash", "-in", authority],
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    assert done.stdout.strip() == HASH


def test_an_authority_in_the_folder_is_found_when_needed(
    system: Path, authority: Path, port: int
) -> None:
    (system / f"{HASH}.0").write_bytes(authority.read_bytes())
    context = tls.context()
    assert context.cert_store_stats()["x509_ca"] == 0, "nothing is read ahead"
    assert greeting(context, port) == b"hello"


def test_nobody_else_is_trusted(system: Path, port: int) -> None:
    (system / "00000000.0").touch()
    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(tls.context(), port)


def test_a_wrong_host_name_is_refused(system: Path, authority: Path, port: int) -> None:
    (system / f"{HASH}.0").write_bytes(authority.read_bytes())
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        tls.context().wrap_socket(plain, server_hostname="other.example")


def test_a_given_file_is_all_that_counts(system: Path, authority: Path, port: int) -> None:
    assert greeting(tls.context(str(authority)), port) == b"hello"


def test_a_folder_without_hashes_gives_way_to_the_file(
    monkeypatch: pytest.MonkeyPatch, system: Path, authority: Path, port: int
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert greeting(tls.context(), port) == b"hello"


def test_a_redirected_file_wins_over_the_folder(
    monkeypatch: pytest.MonkeyPatch, system: Path, authority: Path, port: int
) -> None:
    (system / "00000000.0").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    paths = ssl.get_default_verify_paths()._replace(cafile=str(authority))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert greeting(tls.context(), port) == b"hello"


@pytest.mark.parametrize(
    ("host", "trusted"), [("localhost", True), ("localhost", False), ("127.0.0.1", True)]
)
def test_kept_connections_check_certificate_and_name(
    authority: Path, port: int, host: str, trusted: bool, tmp_path: Path
) -> None:
    """The certificate is for `localhost` and of an authority of its own."""
    other = tmp_path / "other"
    other.mkdir()
    bundle = authority if trusted else certificate(other)
    pool = Connections(f"https://{host}:{port}", str(bundle))
    headers = {"host": pool.host}
    if host == "localhost" and trusted:
        with pytest.raises(NoAnswer, match="Malformed"):  # The server greets in its own way.
            pool.send("GET", "/", headers, b"", seconds=2)
        return
    with pytest.raises(Unreachable, match="SSLCertVerificationError") as refused:
        pool.send("GET", "/", headers, b"", seconds=2)
    assert refused.value.untrusted
