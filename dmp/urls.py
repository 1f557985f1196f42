"""Every address of the house, door by door."""

from django.urls import include, path

from dmp import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("portal.public.urls")),
    path("", include("portal.patient.urls")),
    path("", include("portal.professional.urls")),
    path("", include("portal.counter.urls")),
    path("", include("portal.staff.urls")),
    path("", include("api.urls")),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"
