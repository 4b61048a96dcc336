"""Entry points of the users image."""

from saas.health import health_router
from saas.http import create_app, lambda_handler
from users.confirmation import post_confirmation
from users.routes import router

__all__ = ["api", "api_app", "post_confirmation"]

api_app = create_app(router, health_router("users"))
api = lambda_handler(api_app)
