"""Where connections wait for the processes of the web: one queue for each, on one port."""

import socket

BACKLOG = 2048


def queues(host: str, port: int, count: int) -> list[socket.socket]:
    """Listening sockets that share a port: the kernel deals connections out among them.

    With a single one, whichever process has just been at work takes the next connection too, and its threads
    wait for each other while another process has nothing to do. Whoever holds these sockets keeps what waits
    in them while processes end and others take their places. Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=True))
            port = opened[0].getsockname()[1]
    except OSError:
        for queue in opened:
            queue.close()
        raise
    return opened
