"""What the front says when a request never reached the application."""

from csp.utils import build_policy
from django.conf import settings

from dmp.headers import PERMISSIONS_POLICY
from portal import errors


def page(path: str, status: int) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body of a refusal, for whoever asked for `path`."""
    response = errors.bare_page(path, status)
    return [*response.items(), *ALWAYS], response.content


# What the middleware says of every page did not pass over these.
ALWAYS = [
    ("Content-Security-Policy", build_policy()),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", settings.X_FRAME_OPTIONS),
    ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
    ("Permissions-Policy", PERMISSIONS_POLICY),
    ("Connection", "close"),  # what is left of the body is not read
]
