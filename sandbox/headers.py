"""What every answer carries, and what no other site may post here."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Headers:
    """Strict headers on each answer; a form sent by another site is refused: no cookie guards it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in (
            "same-origin",
            "none",
        ):
            return HttpResponseForbidden(
                "Ce formulaire vient d’un autre site.", content_type="text/plain; charset=utf-8"
            )
        response = self.get_response(request)
        # Browsers hold the redirection after a form against form-action: the way back must stand in it.
        response.headers.setdefault(
            "Content-Security-Policy", f"{CONTENT_POLICY}; form-action 'self' {settings.SERVICE_URL}"
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def around(request: HttpRequest) -> dict[str, str]:
    """What every page shows: the address of the service, and where one stands."""
    return {"service_url": settings.SERVICE_URL, "path": request.path}
