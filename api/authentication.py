"""Programs show the token they were given; nobody else is known here, session or not."""

from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import programs
from accounts.programs import AuthenticatedProgram


class ProgramAuthentication(BaseAuthentication):
    """`Authorization: Bearer …` (RFC 6750). `request.auth` is the program, `request.actor` who it acts as."""

    def authenticate(self, request: Request) -> tuple[None, AuthenticatedProgram] | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            program = programs.program_of(value.strip(), at=timezone.now())
        except programs.InvalidToken:
            raise AuthenticationFailed(code="invalid_token") from None
        request._request.actor = program.actor
        return None, program

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="dmp"'


class IsProgram(BasePermission):
    """A program that showed a token in force."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, AuthenticatedProgram)
