"""Asked by the front about a body larger than a form: may it come, and what to answer when it may not."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from accounts import uploads
from dmp.front.application import ANNOUNCED, Announced
from portal import errors


class UploadMiddleware:
    """Comes after those that say who is asking. Nothing of the body is here yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        announced: Announced | None = request.META.get(ANNOUNCED)
        if announced is None:
            return self.get_response(request)
        upload = upload_at(request)
        if upload is None:
            return errors.too_large(request)
        if not upload.welcome(request):
            return errors.sent_by_nobody(request)
        announced.most, announced.sender = upload.most, str(request.actor.id)
        if announced.size is None or announced.size <= upload.most:
            return HttpResponse(status=204)
        # The view says so in its own page. The body that carried the token is not here, and nothing is done.
        request.META[uploads.TOO_LARGE] = True
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.status_code = 413
        return response


def upload_at(request: HttpRequest) -> uploads.Upload | None:
    if request.method != "POST":
        return None
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return None
    return getattr(view, "upload", None)
