"""What every answer says to browsers: pages, files, refusals of the front, and the word of `/healthz`."""

from collections.abc import Callable

from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse

# No page of ours uses any of them; an injected script shall not either.
REFUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb", "browsing-topics")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in REFUSED)
RESOURCE_POLICY = "same-origin"


class HeadersMiddleware:
    """One policy of contents, no device, no other site reading our answers, no cache for what gives a cookie:
    that is one browser's. The rest is said by Django.

    No page has a policy of its own: it is written once, where the middleware of django-csp writes it anew for
    each answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", RESOURCE_POLICY)
        if response.cookies:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


def of_every_answer() -> list[tuple[str, str]]:
    """What the middleware adds to each answer, for those that do not pass over them."""
    said = [
        ("Content-Security-Policy", build_policy()),
        ("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
        ("Cross-Origin-Resource-Policy", RESOURCE_POLICY),
        ("Permissions-Policy", PERMISSIONS_POLICY),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if settings.SECURE_HSTS_SECONDS:
        of_subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        said.append(("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}{of_subdomains}"))
    return said
