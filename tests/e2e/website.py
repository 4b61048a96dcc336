"""A web server of somebody else, and what its pages try when a developer visits them."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.integration.web_server import serving

NAME = "evil.example"
PAGE = "<!doctype html><html><head><title>Nice page</title></head><body>Hello</body></html>"
FLAGS = [
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
    # Chromium's own protection of local addresses, which other browsers do not have, is off.
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWarn,"
    "BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights,"
    "PrivateNetworkAccessRespectPreflightResults,PrivateNetworkAccessForNavigations",
    "--disable-popup-blocking",
]

ATTACK = """
async ({ base, deeds }) => {
  document.body.replaceChildren();
  const done = [];
  const patient = (promise) => Promise.race([promise, new Promise((on) => setTimeout(on, 3000))]);
  const loaded = (element) =>
    patient(new Promise((on) => { element.onload = element.onerror = () => on(); }));
  const said = async (way, path, call) => {
    try {
      done.push([way, path, await call()]);
    } catch (error) {
      done.push([way, path, "failed"]);
    }
  };
  for (const [method, path, body] of deeds) {
    const url = base + path;
    const simple = { method, mode: "no-cors", credentials: "include" };
    if (method === "GET" || method === "POST") {
      await said("no-cors", path, async () => {
        const answer = await fetch(url, body ? { ...simple, body } : simple);
        return answer.type;
      });
    }
    await said("cors", path, async () => {
      const headers = { "Content-Type": "application/json", "X-Amz-Target": "x" };
      const answer = await fetch(url, body ? { method, headers, body } : { method, headers });
      return `read ${answer.status}`;
    });
    if (method === "GET") {
      for (const name of ["img", "script", "iframe"]) {
        const element = document.createElement(name);
        const end = loaded(element);
        element.src = url;
        document.body.append(element);
        await end;
      }
    } else if (method === "POST") {
      navigator.sendBeacon(url, body);
      const frame = document.createElement("iframe");
      frame.name = `frame-${done.length}`;
      const form = document.createElement("form");
      form.action = url;
      form.method = "post";
      form.target = frame.name;
      for (const [name, value] of new URLSearchParams(body)) {
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name, value });
        form.append(field);
      }
      document.body.append(frame, form);
      const end = loaded(frame);
      form.submit();
      await end;
    }
  }
  return done;
}
"""

SOCKET = """
(base) => new Promise((on) => {
  const socket = new WebSocket(`${base.replace("http", "ws")}/`);
  socket.onopen = () => on("opened");
  socket.onerror = socket.onclose = () => on("failed");
})
"""


@contextmanager
def website(pages: dict[str, str] | None = None) -> Iterator[int]:
    """Serves these pages by path, `PAGE` everywhere else, and sockets; yields the port.

    `/away?to=<address>` redirects there.
    """

    async def page(request: web.Request) -> web.StreamResponse:
        if "Upgrade" in request.headers:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close()
            return socket
        if request.path == "/away":
            raise web.HTTPFound(request.query["to"])
        text = (pages or {}).get(request.path, PAGE)
        return web.Response(text=text, content_type="text/html")

    def make() -> web.Application:
        app = web.Application()
        app.router.add_get("/{path:.*}", page)
        return app

    with serving(make) as server:
        yield int(server.url.rpartition(":")[2])
