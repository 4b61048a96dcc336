"""Entry points of the ai image."""

from ai.routes import router
from saas.health import health_router
from saas.http import create_app, lambda_handler

__all__ = ["api", "api_app"]

api_app = create_app(router, health_router("ai"))
api = lambda_handler(api_app)
