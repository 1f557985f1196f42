"""The claims of a JWT, once its signature is verified. Pure."""

import json
from datetime import UTC, datetime
from typing import Any


class BadClaims(ValueError):
    """Not an object, or an instant that is not one."""


def claims_of(payload: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadClaims from None
    if not isinstance(claims, dict):
        raise BadClaims
    return claims


def seconds(claims: dict[str, Any], name: str) -> datetime:
    """The instant of a NumericDate claim."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadClaims(name)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise BadClaims(name) from None
