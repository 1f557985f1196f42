"""What every answer says to browsers, besides what Django and django-csp already say."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# No page of ours uses any of them; an injected script shall not either.
REFUSED = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb", "browsing-topics")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in REFUSED)


class HeadersMiddleware:
    """No device, no other site reading our answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
