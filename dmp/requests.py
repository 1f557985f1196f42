"""One reference for each request: on the page of an error, in every line it causes, on the jobs it makes."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, reset_contextvars

from dmp import logs, metrics

log = structlog.get_logger(__name__)

# Read aloud on the telephone: no sign that sounds or looks like another (Crockford's alphabet).
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WITHOUT_A_LINE = frozenset(
    {"healthz", "readyz"}
)  # asked every few seconds; said when they do not answer well
HEADER = "X-Request-ID"
NO_ROUTE = "none"
CONTENT_TYPE_SIGNS = 1024  # the time to read its parameters grows with the square of its length


class Request(WSGIRequest):
    """A request whose Content-Type cannot be read says nothing of its content: it is still a request."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            if len(meta.get("CONTENT_TYPE", "")) > CONTENT_TYPE_SIGNS:
                raise ValueError("too long")
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (ValueError, LookupError, TypeError):  # parameters of an encoding that is none, in no order…
            meta["CONTENT_TYPE"] = ""
            super()._set_content_type_params(meta)  # type: ignore[misc]


class Application(WSGIHandler):
    request_class = Request


def new_reference() -> str:
    """Ten signs in two groups: 50 random bits, enough to find one request in a year of logs."""
    number = secrets.randbits(50)
    signs = "".join(SIGNS[number >> shift & 31] for shift in range(0, 50, 5))
    return f"{signs[:5]}-{signs[5:]}"


class RequestMiddleware:
    """Gives a request its reference, and says in one line how it ended: the name of its route, never its
    address; its status; how long it took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        reference = new_reference()
        request.reference = reference
        bound = bind_contextvars(request=reference)
        try:
            with metrics.in_progress():
                response = self.get_response(request)
            route = route_of(request)
            seconds = time.perf_counter() - began
            metrics.count(route, response.status_code, seconds)
            if route not in WITHOUT_A_LINE or response.status_code >= 400:
                logs.write(
                    event="request",
                    level="error" if response.status_code >= 500 else "info",
                    request=reference,
                    method=request.method if request.method in METHODS else "other",
                    route=route,
                    status=response.status_code,
                    seconds=round(seconds, 4),
                )
        finally:
            reset_contextvars(**bound)
        response[HEADER] = reference
        return response


def route_of(request: HttpRequest) -> str:
    """The name of the route that answered; “none” for an address that leads nowhere, and for static files."""
    match = request.resolver_match
    return (match.view_name or match.route) if match else NO_ROUTE


def say_what_broke(sender: Any, request: HttpRequest | None = None, **_: Any) -> None:
    """An exception that nobody expected: its class, and the line of ours it came through."""
    log.error("request failed", route=route_of(request) if request else NO_ROUTE, exc_info=True)


got_request_exception.connect(say_what_broke)
