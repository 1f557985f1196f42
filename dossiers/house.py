"""The house itself as an actor: its jobs act in its name, through the same gate."""

from uuid import UUID

from accounts.actors import Actor, Authentication, Capacity, Channel

HOUSE = Actor(
    capacity=Capacity.SYSTEM,
    id=UUID("00000000-0000-4000-8000-00000000d3a9"),
    name="DMP",
    channel=Channel.JOB,
    authentication=Authentication.HOUSE,
)
