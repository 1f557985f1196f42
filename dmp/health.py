"""Is this process alive, and can it serve? Asked by the proxy and by whoever supervises."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dmp.readiness import watch

PLAIN = "text/plain; charset=utf-8"
NEVER_KEPT = {"Cache-Control": "no-store"}


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type=PLAIN, headers=NEVER_KEPT)


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The process can serve, or one word says why it cannot."""
    word = watch.word()
    status = 503 if word else 200
    return HttpResponse(f"{word or 'ok'}\n", content_type=PLAIN, status=status, headers=NEVER_KEPT)
