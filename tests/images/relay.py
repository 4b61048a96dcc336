"""Lets containers, and nobody else, reach a server on this machine's loopback."""

import contextlib
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Iterator

from docker.client import DockerClient

NAME = "loopback"


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(engine: DockerClient, port: int) -> Iterator[str]:
    """Listen where only containers can come from, and pass all on to `127.0.0.1:port`.

    Returns:
        `host:port` for containers that know this machine as `NAME`; local ports refuse its address.
    """

    class Passing(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as target:
                back = threading.Thread(target=_copy, args=(target, self.request))
                back.start()
                _copy(self.request, target)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    bridge = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # Older engines name only the subnet of their default network; this machine is its first host.
    gateway = bridge.get("Gateway") or str(ipaddress.ip_network(bridge["Subnet"])[1])
    with Server((gateway, port), Passing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{NAME}:{port}"
        server.shutdown()
