"""The supervisor: it starts parts, says what happens, and leaves no process behind.

Small stand-ins take the place of the parts, so that only the supervisor itself is measured.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcloud.config import ROOT, StackConfig
from localcloud.process import free_ports, port_is_free
from localcloud.stack import Stack, StackError, check_port
from localcloud.supervisor import load_env_file
from tests.integration.local_gateway import wait_until

PART = """
import http.server, os, signal, sys, time
from localcloud.config import StackConfig
from localcloud.process import die_with_parent
die_with_parent()
name, pids = sys.argv[1:3]
config = StackConfig.from_json(os.environ["GROUNDWORK_STACK"])
child = os.fork()
if child == 0:
    # A part's own child, as function processes are: it ends with its parent, too.
    os.environ["GROUNDWORK_PARENT"] = str(os.getppid())
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
open(f"{pids}/{name}", "w").write(f"{os.getpid()} {child}")
print(f"{name} speaks", sorted(k for k in os.environ if "OWN" in k), flush=True)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
port = getattr(config, f"{name}_port")
http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PART
DYING = "import sys; print('cannot find the thing', file=sys.stderr); sys.exit(3)"

MAIN = """
import json, sys
from pathlib import Path
from localcloud.supervisor import dev
port, state, parts = sys.argv[1:]
sys.exit(dev(int(port), Path(state), parts=json.loads(parts)))
"""


def parts(tmp_path: Path, **code: str) -> dict[str, list[str]]:
    """Commands of four parts; each writes its process ids to a file of its name."""
    names = ("aws", "stripe", "bedrock", "gateway")
    return {
        name: [sys.executable, "-c", code.get(name, PART), name, str(tmp_path)] for name in names
    }


def pids(tmp_path: Path) -> list[int]:
    files = [tmp_path / name for name in ("aws", "stripe", "bedrock", "gateway")]
    return [int(pid) for file in files if file.exists() for pid in file.read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()
    return state != "Z"


@contextmanager
def supervisor(
    tmp_path: Path, port: int, commands: dict[str, list[str]]
) -> Iterator[subprocess.Popen[str]]:
    """`make dev` as a process of its own, in a group of its own like a shell's job."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, str(port), str(tmp_path / "state"), json.dumps(commands)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "lib"), "DEVELOPERS_OWN": "secret"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until_ready(process: subprocess.Popen[str]) -> list[str]:
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("Groundwork is ready"):
            return lines
    raise AssertionError(lines)


@contextmanager
def taken_neighbour(distance: int) -> Iterator[int]:
    """A free port; the one that far above it is taken."""
    while True:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1] - distance
            if port_is_free(port):
                yield port
                return


def free_port() -> int:
    return free_ports(1)[0]


def test_it_says_what_it_does_and_stops_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    with supervisor(tmp_path, port, parts(tmp_path)) as process:
        lines = read_until_ready(process)
        text = "\n".join(lines)
        for address in ("", "/backend", "/_local/mail", "/_local/endpoints"):
            assert f"http://localhost:{port}{address}" in text
        assert "aws | aws speaks []" in text
        assert lines[-1].split()[4].replace(".", "").isdigit()
        running = pids(tmp_path)
        assert len(running) == 8
        assert all(alive(pid) for pid in running)
        started = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole foreground group
        out, err = process.communicate(timeout=8)
        assert time.monotonic() - started < 5
        assert process.returncode == 0
        assert out.strip().splitlines()[-1] == "Groundwork has stopped."
        assert err == ""
        assert not any(alive(pid) for pid in running)
        assert port_is_free(port)


def test_sigterm_stops_even_a_part_that_will_not(tmp_path: Path) -> None:
    with supervisor(tmp_path, free_port(), parts(tmp_path, stripe=STUBBORN)) as process:
        read_until_ready(process)
        running = pids(tmp_path)
        started = time.monotonic()
        process.terminate()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)  # an impatient second signal changes nothing
        _, err = process.communicate(timeout=8)
        assert time.monotonic() - started < 5
        assert (process.returncode, err) == (0, "")
        assert not any(alive(pid) for pid in running)


def test_kill_9_of_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    with supervisor(tmp_path, free_port(), parts(tmp_path, stripe=STUBBORN)) as process:
        read_until_ready(process)
        running = pids(tmp_path)
        process.kill()
        wait_until(lambda: not any(alive(pid) for pid in running), 4)


def test_the_parent_is_watched_where_the_kernel_does_not_tell(tmp_path: Path) -> None:
    """As on macOS: no parent-death signal, only the thread that looks at the parent's id."""
    watched = """
import os, sys, time
os.environ["GROUNDWORK_PARENT"] = f"{os.getppid()},thread"
from localcloud.process import die_with_parent
die_with_parent()
open(sys.argv[1], "w").write(str(os.getpid()))
while True: pass
"""
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    pid_file = tmp_path / "pid"
    process = subprocess.Popen(
        [sys.executable, "-c", parent, watched, str(pid_file)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "lib")},
    )
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    pid = int(pid_file.read_text())
    assert alive(pid)
    process.kill()
    process.wait()
    wait_until(lambda: not alive(pid), 4)


def test_a_signal_while_starting_stops_what_has_started(tmp_path: Path) -> None:
    never_ready = PART.replace("class Health", "time.sleep(60)\nclass Health")
    with supervisor(tmp_path, free_port(), parts(tmp_path, gateway=never_ready)) as process:
        wait_until(lambda: len(pids(tmp_path)) == 8)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=8)
        assert (process.returncode, err) == (0, "")
        assert "Groundwork is ready" not in out
        assert not any(alive(pid) for pid in pids(tmp_path))


def test_a_part_that_dies_is_shown_and_ends_all(tmp_path: Path) -> None:
    with supervisor(tmp_path, free_port(), parts(tmp_path, bedrock=DYING)) as process:
        _, err = process.communicate(timeout=8)
        assert process.returncode == 1
        assert "The part 'bedrock' ended with exit status 3" in err
        assert "  cannot find the thing" in err
        assert "Traceback" not in err
        assert not any(alive(pid) for pid in pids(tmp_path))


def test_a_part_that_dies_later_ends_all(tmp_path: Path) -> None:
    with supervisor(tmp_path, free_port(), parts(tmp_path)) as process:
        read_until_ready(process)
        os.kill(int((tmp_path / "stripe").read_text().split()[0]), signal.SIGKILL)
        _, err = process.communicate(timeout=8)
        assert process.returncode == 1
        assert "The part 'stripe' ended with exit status -9" in err
        assert not any(alive(pid) for pid in pids(tmp_path))


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_taken_port_is_one_sentence_and_nothing_starts(
    tmp_path: Path, family: socket.AddressFamily
) -> None:
    with socket.socket(family) as other:
        try:
            other.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("not on this machine: IPv6")
        other.listen()
        port = other.getsockname()[1]
        with supervisor(tmp_path, port, parts(tmp_path)) as process:
            out, err = process.communicate(timeout=8)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith(
        f"Port {port} is taken by another program. Choose another: make dev PORT="
    )
    assert err.count("\n") == 1
    assert pids(tmp_path) == []


def test_the_suggested_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {8000, 8010}
    monkeypatch.setattr("localcloud.stack.port_is_free", lambda port: port not in taken)
    # A developer's own stack may be running there.
    monkeypatch.setattr("localcloud.stack._groundwork_serves", lambda _port: False)
    with pytest.raises(StackError, match=r"^Port 8000 is taken .*: make dev PORT=8020$"):
        check_port(8000)


def test_neighbouring_ports_are_used_unless_taken(tmp_path: Path) -> None:
    with (
        taken_neighbour(2) as port,
        Stack(port=port, state_dir=tmp_path, parts=parts(tmp_path)) as stack,
    ):
        config = stack.config
        assert config.gateway_port == port
        assert config.stripe_port != port + 2
        ports = [config.aws_port, config.stripe_port, config.bedrock_port, config.control_port]
        assert len({port, *ports}) == 5
        assert stack.output("stripe") == ["stripe speaks []"]


def test_one_state_directory_serves_one_stack(tmp_path: Path) -> None:
    with Stack(port=0, state_dir=tmp_path, parts=parts(tmp_path)):
        second = Stack(port=0, state_dir=tmp_path, parts=parts(tmp_path))
        with pytest.raises(StackError, match="Another stack is using the state"):
            second.start()
        given = Stack(config=StackConfig(*free_ports(5), state_dir=tmp_path), parts={})
        with pytest.raises(StackError, match=f"Another stack is using the state in {tmp_path}"):
            given.start()
    with pytest.raises(ValueError, match="state"):
        Stack(port=0, parts=parts(tmp_path))
    with Stack(port=0, state_dir=tmp_path, parts=parts(tmp_path)) as third:
        assert third.site_url.startswith("http://localhost:")


def test_an_env_file_fills_what_the_shell_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text('# comment\nGW_ONE=1\nexport GW_TWO="two words"\nGW_SET=file\n\nnonsense\n')
    monkeypatch.setenv("GW_SET", "shell")
    monkeypatch.delenv("GW_ONE", raising=False)
    monkeypatch.delenv("GW_TWO", raising=False)
    load_env_file(file)
    assert (os.environ.pop("GW_ONE"), os.environ.pop("GW_TWO")) == ("1", "two words")
    assert os.environ["GW_SET"] == "shell"
    load_env_file(tmp_path / "missing")


@pytest.mark.parametrize("port", ["0", "65536", "abc", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    command = [sys.executable, "-m", "localcloud", "dev", "--port", port]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert f"{port} is not a port (1 to 65535)" in found.stderr
