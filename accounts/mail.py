"""Mail goes out as Django sends it, over a connection that the deadline of a message may cut."""

import smtplib
import socket
from typing import Any

from django.core.mail.backends import smtp

from . import outbound


class _Watched(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        outbound.watch(connected)
        return connected


class _SecureWatched(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        outbound.watch(connected)
        return connected


class Backend(smtp.EmailBackend):
    """Each exchange with the server restarts its time-out; the whole of a message has one too."""

    @property
    def connection_class(self) -> Any:
        return _SecureWatched if self.use_ssl else _Watched
