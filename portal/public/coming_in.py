"""From one step of signing in to the next, whichever page one comes from."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import signing_in
from accounts.actors import Actor, Capacity
from accounts.signing_in import Step
from portal.doors import onward, wished, wished_page

HOME = "patient:home"
PAGE_OF_STEP = {Step.WAKE: "public:asleep", Step.PASSWORD: "public:first_password"}


def in_or_next(request: HttpRequest, actor: Actor | None, *, at: datetime) -> HttpResponse:
    if actor is not None:
        return redirect(wished_page(request, home=HOME))
    step = signing_in.next_step(request, at=at)
    return on_to(request, PAGE_OF_STEP[step] if step else "public:sign_in")


def in_or_back(request: HttpRequest, *, at: datetime) -> HttpResponse:
    """Nothing is awaited on this page. Whoever came back to it with the browser's own button goes on where
    they are; whoever typed something here signs in again."""
    if request.method == "POST":
        return on_to(request, "public:sign_in")
    return in_or_next(request, request.actor if request.actor.capacity is Capacity.HOLDER else None, at=at)


def on_to(request: HttpRequest, name: str) -> HttpResponse:
    return redirect(onward(name, wished(request, home=HOME)))
