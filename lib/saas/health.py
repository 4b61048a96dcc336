"""`/health/<service>`: what a domain says of itself, for uptime monitors."""

from saas.errors import Unavailable
from saas.routing import Router
from saas.schemas import Health, Success


def health_router(service: str) -> Router:
    """`GET` and `HEAD` of `/health/<service>`: version, image digest, whether the table answers."""
    router = Router("health")
    path = f"/health/{service}"

    @router.head(path, summary=f"Health of {service}, without a body", public=True)
    @router.get(path, summary=f"Health of {service}", public=True)
    def health() -> Success[Health]:
        from saas.settings import settings
        from saas.table import table

        if not table().answers():
            raise Unavailable("The table does not answer", code="table_unavailable")
        config = settings()
        return Success(
            data=Health(
                service=service,
                version=config.app_version,
                image_digest=config.image_digest or None,
            )
        )

    return router
