"""The telephone operator: text messages come in over HTTP and land in the box."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from sandbox.box import SMS, box
from sandbox.wire import body, machine, text


@machine(lambda: settings.SMS_TOKEN)
def receive(request: HttpRequest) -> JsonResponse:
    """202 with the message's identifier; the same Idempotency-Key is delivered once."""
    told = body(request)
    number, words = text(told, "numero"), text(told, "texte")
    key = request.headers.get("Idempotency-Key", "")
    if key and key in _delivered():
        return JsonResponse({"id": _delivered()[key]}, status=202)
    message = box().deliver(SMS, to=national(number), sender="DMP", text=words)
    if key:
        _delivered()[key] = message.id
    return JsonResponse({"id": message.id}, status=202)


def national(number: str) -> str:
    """The number as people read it: "+33639981042" is "0639981042"."""
    digits = "".join(character for character in number if character.isdigit() or character == "+")
    return f"0{digits[3:]}" if digits.startswith("+33") else digits


@cache
def _delivered() -> dict[str, str]:
    return {}
