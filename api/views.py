"""The first doors for software: a token for a signed assertion, and who one is with it.

JSON only. Errors are those of RFC 6749 and RFC 6750.
"""

from typing import Any

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    ParseError,
    UnsupportedMediaType,
)
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, FormParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches
from rest_framework.views import APIView

from accounts import programs

from .authentication import IsProgram, ProgramAuthentication

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AlwaysJson(BaseContentNegotiation):
    """Whatever the caller says it accepts: an error must be readable too."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser | None:
        wanted = request.content_type
        return next((parser for parser in parsers if media_type_matches(parser.media_type, wanted)), None)

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class TokenView(APIView):
    """`POST /oauth/token`: client_credentials with private_key_jwt (RFC 7523)."""

    authentication_classes = []
    permission_classes = []
    content_negotiation_class = AlwaysJson
    parser_classes = [FormParser]
    renderer_classes = [JSONRenderer]

    def post(self, request: Request) -> Response:
        told = request.data
        if any(len(told.getlist(name)) > 1 for name in told):
            return _error("invalid_request")
        if not told.get("grant_type"):
            return _error("invalid_request")
        if told["grant_type"] != "client_credentials":
            return _error("unsupported_grant_type")
        if told.get("client_assertion_type") != JWT_BEARER or not told.get("client_assertion"):
            return _error("invalid_client", status.HTTP_401_UNAUTHORIZED)
        try:
            token = programs.token(
                told["client_assertion"],
                scope=told.get("scope", ""),
                client_id=told.get("client_id", ""),
                at=timezone.now(),
            )
        except programs.InvalidClient:
            return _error("invalid_client", status.HTTP_401_UNAUTHORIZED)
        except programs.InvalidScope:
            return _error("invalid_scope")
        granted = {
            "access_token": token.value,
            "token_type": "Bearer",
            "expires_in": int(token.lives.total_seconds()),
            "scope": " ".join(token.scopes),
        }
        return Response(granted, headers=NEVER_KEPT)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, (ParseError, UnsupportedMediaType)):
            return _error("invalid_request")
        return super().handle_exception(exc)


class WhoAmIView(APIView):
    """`GET /api/whoami`: the program as the house sees it."""

    authentication_classes = [ProgramAuthentication]
    permission_classes = [IsProgram]
    content_negotiation_class = AlwaysJson
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        program = request.auth
        told = {
            "client_id": str(program.actor.id),
            "name": program.actor.name,
            "scope": " ".join(program.scopes),
            "expires_at": program.expires_at.isoformat(),
        }
        return Response(told, headers=NEVER_KEPT)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, NotAuthenticated):
            return _unauthorised('Bearer realm="dmp"', {})
        if isinstance(exc, AuthenticationFailed):
            return _unauthorised('Bearer realm="dmp", error="invalid_token"', {"error": "invalid_token"})
        response: Response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            response.data = {"error": exc.default_code}
        return response


def _error(code: str, http_status: int = status.HTTP_400_BAD_REQUEST) -> Response:
    return Response({"error": code}, status=http_status, headers=NEVER_KEPT)


def _unauthorised(challenge: str, told: dict[str, Any]) -> Response:
    """RFC 6750 §3: nothing more is said to who shows no token at all."""
    headers = NEVER_KEPT | {"WWW-Authenticate": challenge}
    return Response(told, status=status.HTTP_401_UNAUTHORIZED, headers=headers)
