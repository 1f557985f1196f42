"""Every address of the house, door by door."""

from importlib.util import find_spec

from django.urls import include, path

from dmp import health
from dmp.settings import setting

DOORS = ("portal.public", "portal.patient", "portal.professional", "portal.counter", "portal.staff", "api")


def opens(door: str) -> bool:
    return door not in setting("DMP_WITHOUT").split(",") and bool(
        find_spec(door) and find_spec(f"{door}.urls")
    )


urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    *(path("", include(f"{door}.urls")) for door in DOORS if opens(door)),
]

if find_spec("portal.errors"):
    handler400 = "portal.errors.bad_request"
    handler403 = "portal.errors.forbidden"
    handler404 = "portal.errors.not_found"
    handler500 = "portal.errors.server_error"
