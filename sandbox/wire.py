"""How machines talk here: JSON in, JSON out, a bearer token, errors in one word and one sentence."""

import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

View = Callable[..., HttpResponse]


class Malformed(Exception):
    """The request does not say what the protocol asks for. The message names what is missing."""


def refusal(status: int, error: str, sentence: str, **headers: str) -> JsonResponse:
    return JsonResponse(
        {"error": error, "error_description": sentence},
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def bearer(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def body(request: HttpRequest) -> dict[str, Any]:
    try:
        told = json.loads(request.body)
    except ValueError as error:
        raise Malformed("The body is not JSON.") from error
    if not isinstance(told, dict):
        raise Malformed("The body is not a JSON object.")
    return told


def text(told: dict[str, Any], *path: str) -> str:
    """The text found along `path`. Raises Malformed when there is none."""
    value: Any = told
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise Malformed(f"{'.'.join(path)} is missing.")
    return value


def text_or_nothing(told: dict[str, Any], *path: str) -> str:
    """The text found along `path`, which may be empty. Raises Malformed when there is none."""
    value: Any = told
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise Malformed(f"{'.'.join(path)} is missing.")
    return value


def machine(token: Callable[[], str]) -> Callable[[View], View]:
    """A door for machines that show `token()`: POST only, 401 without it, 400 when malformed."""

    def door(view: View) -> View:
        @require_POST
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
            if not same(bearer(request), token()):
                return refusal(
                    401, "unauthorized", "The bearer token is not ours.", WWW_Authenticate="Bearer"
                )
            try:
                return view(request, *args, **named)
            except Malformed as error:
                return refusal(400, "bad_request", str(error))

        return guarded

    return door
