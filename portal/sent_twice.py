"""A form sent twice leads where it led the first time, and does nothing the second time."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
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


def done_once(view: View) -> View:
    """For an act that ends by leading elsewhere. Whoever sends the form that the same page showed, again or
    at the same moment, is led there too, and reads what the first was told. A form that was answered by a
    page did nothing: it may be sent again. One without a token was shown by no page: each is an act."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = request.session.session_key
        known = request.method == "POST" and shown and "csrfmiddlewaretoken" in request.POST
        form = sent_twice.sent(request, as_shown=True) if known else None
        if form is None:
            return view(request, *args, **kwargs)
        if not form.take(at=timezone.now()):
            answer = form.answer()
            if answer is not None and answer[0] == shown:
                return HttpResponseRedirect(answer[1])
            return view(request, *args, **kwargs)
        done = False
        try:
            response = view(request, *args, **kwargs)
            done = isinstance(response, HttpResponseRedirect) and request.session.session_key == shown
            if done:
                # What is said there must be waiting for whichever of the two comes first.
                messages.get_messages(request).update(response)
                if request.session.modified:
                    request.session.save()
                form.settle_here(str(shown), response["Location"], at=timezone.now())
        finally:
            if not done:
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
