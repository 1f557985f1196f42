"""Pages that let somebody in: their form, sent twice, leads where it led the first time."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from accounts import sent_twice

View = Callable[..., HttpResponse]


def answered_once(view: View) -> View:
    """A double click, or the browser's own « send again »: see `accounts.sent_twice`."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = sent_twice.sent(request) if request.method == "POST" else None
        if form is None:
            return view(request, *args, **kwargs)
        shown = request.session.session_key  # None when it has ended
        if shown is None or not form.take(at=timezone.now()):
            answer = form.answer()
            if answer is not None and sent_twice.given(request, answer[0]):
                return HttpResponseRedirect(answer[1])
            return view(request, *args, **kwargs)
        let_in = False
        try:
            response = view(request, *args, **kwargs)
            another = request.session.session_key != shown and not request.session.is_empty()
            let_in = another and isinstance(response, HttpResponseRedirect)
            if let_in:
                form.settle(request, response["Location"], at=timezone.now())
        finally:
            if not let_in:
                form.release()
        return response

    return page


def answered_already(request: HttpRequest) -> HttpResponse | None:
    """Where this form has just let somebody in, in the session that this browser has now. It sends the form
    again with the token of the session before, which no longer holds."""
    form = sent_twice.sent(request) if request.method == "POST" else None
    answer = form.answer() if form is not None else None
    if answer is None or answer[0] != request.session.session_key:
        return None
    return HttpResponseRedirect(answer[1])
