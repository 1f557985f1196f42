"""The telephone operator: text messages come in over HTTP and land in the box."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from sandbox.box import SMS, box
from sandbox.wire import body, machine, text

COUNTRY_CODES = ("+33", "+262", "+590", "+594", "+596")  # where one dials a 0 before nine digits


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
    """The number as people read it: "+33639981042" is "0639981042", "+262639981042" too."""
    digits = "".join(character for character in number if character.isdigit() or character == "+")
    country = next((code for code in COUNTRY_CODES if digits.startswith(code)), None)
    return f"0{digits.removeprefix(country)}" if country else digits


@cache
def _delivered() -> dict[str, str]:
    return {}
