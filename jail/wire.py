"""What the server and its clients tell each other, over a private Unix socket of packets.

A request is one packet: a label in UTF-8, and two descriptors: the input, sealed in memory, and the writing
end of a pipe. The answer is two packets: STARTED, then an ending. The bytes of the input and of the output
pass through neither: the server never holds them.
"""

import json
import os
import signal
import socket
from dataclasses import asdict, dataclass

STARTED = b"started"
LONGEST_PACKET = 512


class BadRequest(ValueError):
    """Not a request."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended. `status` is its exit status; `killed_by` the signal, 0 when it ended by itself."""

    status: int
    killed_by: int
    processor_seconds: float
    out_of_time: bool = False  # it spent its budget of processor time
    out_of_memory: bool = False  # it spent its budget of memory
    stalled: bool = False  # it made no use of the processor, or outlived every patience, and was stopped
    unconfined: bool = False  # its jail could not be closed: it never saw its input

    @property
    def signal_name(self) -> str:
        return signal.Signals(self.killed_by).name.lower() if self.killed_by else ""


def request(connection: socket.socket, label: str, input_fd: int, output_fd: int) -> None:
    socket.send_fds(connection, [label.encode()], [input_fd, output_fd])


def requested(connection: socket.socket) -> tuple[str, int, int]:
    """The label and the two descriptors. Raises BadRequest."""
    packet, descriptors, _, _ = socket.recv_fds(connection, LONGEST_PACKET, 2)
    if len(descriptors) != 2 or not packet:
        for descriptor in descriptors:
            os.close(descriptor)
        raise BadRequest
    try:
        return packet.decode(), descriptors[0], descriptors[1]
    except UnicodeDecodeError:
        raise BadRequest from None


def tell(connection: socket.socket, ending: Ending) -> None:
    connection.send(json.dumps(asdict(ending)).encode())


def told(packet: bytes) -> Ending:
    return Ending(**json.loads(packet))
