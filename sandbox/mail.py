"""Mail comes in over SMTP and lands in the box."""

from email import message_from_bytes, policy
from functools import cache

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from sandbox.box import MAIL, box

LARGEST = 1024 * 1024


class Reception:
    """Takes every mail, whoever it is for: nothing leaves this machine."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(preferencelist=("plain", "html"))
        for recipient in envelope.rcpt_tos:
            box().deliver(
                MAIL,
                to=recipient,
                sender=str(mail.get("From", envelope.mail_from)),
                subject=str(mail.get("Subject", "")),
                text=body.get_content().strip() if body else "",
            )
        return "250 OK"


@cache
def listen() -> Controller:
    """Starts receiving, once for this process. Raises OSError when the port is taken."""
    controller = Controller(
        Reception(), hostname="127.0.0.1", port=settings.SMTP_PORT, data_size_limit=LARGEST
    )
    controller.start()
    return controller
