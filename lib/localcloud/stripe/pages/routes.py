"""Which page answers where."""

from aiohttp import web


def add_to(app: web.Application) -> None:
    """Add all pages to the application."""
