"""Nobody is let in to a database that may give back what was taken away: one sentence, until it is mended."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal import errors
from revocation import doors

ASKED_OF_THE_PROCESS = ("/healthz", "/readyz")


class DoorsMiddleware:
    """Asked before anything of a request is read. A database that does not answer is told of further in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ASKED_OF_THE_PROCESS and _are_shut():
            return errors.doors_shut(request)
        return self.get_response(request)


def _are_shut() -> bool:
    try:
        return doors.shut_because() is not None
    except errors.AWAY:
        return False
