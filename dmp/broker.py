"""Redis as Celery speaks to it, but for a message that is no message: it is dropped, and the worker goes on.

Somebody who reaches Redis, or a program that shares it, could otherwise end every worker, again and again.
"""

from queue import Empty
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger(__name__)


class Channel(redis.Channel):  # type: ignore[misc]
    def _brpop_read(self, **options: Any) -> Any:
        before = set(self.qos._delivered)
        try:
            return super()._brpop_read(**options)
        except (Empty, *self.connection_errors):
            raise
        except Exception as failure:  # it was taken off its queue: nobody meets it again
            for delivered in set(self.qos._delivered) - before:
                self.basic_reject(delivered, requeue=False)
            log.warning("message not ours", error=type(failure).__name__)
            raise Empty from None


class Transport(redis.Transport):  # type: ignore[misc]
    Channel = Channel


def use() -> None:
    """From now on in this process, whatever speaks to Redis through Kombu speaks so."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
