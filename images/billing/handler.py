"""Entry points of the billing image."""

from billing.reconcile import reconcile
from billing.routes import router
from billing.webhook_routes import router as webhook_router
from saas.health import health_router
from saas.http import create_app, lambda_handler

__all__ = ["api", "api_app", "reconcile", "webhook", "webhook_app"]

api_app = create_app(router, health_router("billing"))
api = lambda_handler(api_app)

webhook_app = create_app(webhook_router)
webhook = lambda_handler(webhook_app, json_body=False)
