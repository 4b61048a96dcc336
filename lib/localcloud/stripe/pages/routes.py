"""Which page answers where. A post's path holds a secret that only the page was given."""

from aiohttp import web

from localcloud.stripe.pages import checkout, invoice, portal


def add_to(app: web.Application) -> None:
    """Add all pages to the application."""
    app.router.add_get("/c/pay/{id}", checkout.hosted)
    app.router.add_get("/c/embed/{secret}", checkout.embedded)
    app.router.add_post("/c/pay/{secret}", checkout.pay)
    app.router.add_post("/c/pay/{secret}/authenticate", checkout.authenticate)
    app.router.add_post("/c/pay/{secret}/promotion", checkout.promotion)
    app.router.add_get("/i/{id}/{secret}", invoice.show)
    app.router.add_post("/i/{id}/{secret}/pay", invoice.pay)
    app.router.add_post("/i/{id}/{secret}/authenticate", invoice.authenticate)
    app.router.add_get("/p/session/{id}", portal.show)
    for name in portal.ACTIONS:
        app.router.add_post(f"/p/session/{{id}}/{{secret}}/{{action:{name}}}", portal.act)
