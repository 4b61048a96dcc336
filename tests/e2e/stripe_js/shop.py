"""A frontend without any framework: one page, with the policies that pages have."""

import html

from aiohttp import web
from playwright.sync_api import Page

PAGE = "<!doctype html><head><title>shop</title></head><h1>Shop</h1><div id=checkout></div>"
OTHER_SCRIPT = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
STRICT = {
    "strict": "default-src 'self'; upgrade-insecure-requests",
    "dynamic": f"script-src 'strict-dynamic' '{OTHER_SCRIPT}'; frame-src 'none'",
    "nonce": "script-src 'nonce-abc' 'strict-dynamic'",
}
# Policies in the page itself; `upgrade-insecure-requests` is what a deployment has.
META = {
    "meta-strict": "default-src 'self'; upgrade-insecure-requests",
    "meta-none": "script-src 'none'; frame-src 'none'",
    "meta-nonce": "script-src 'nonce-abc' 'strict-dynamic'; child-src 'none'",
}


async def _page(request: web.Request) -> web.Response:
    name = request.path.strip("/")
    headers = {"Content-Security-Policy": STRICT[name]} if name in STRICT else {}
    text = PAGE
    if name in META:
        tag = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(META[name])}">'
        text = PAGE.replace("<head>", f"<head>{tag}")
    if "favicon" in request.path:
        return web.Response(status=204)
    return web.Response(text=text, content_type="text/html", headers=headers)


def application() -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", _page)
    return app


def opened(page: Page, secret: str, options: str = "") -> None:
    """Make an embedded Checkout, which is not mounted yet."""
    page.evaluate(
        f"""async (secret) => {{
          window.done = 0;
          window.stripe = Stripe("pk_test_local");
          window.checkout = await stripe.initEmbeddedCheckout({{
            fetchClientSecret: async () => secret, {options}
          }});
        }}""",
        secret,
    )
