"""What a child gives up before it reads its input, and what it may spend."""

import os
import resource
import signal
from dataclasses import dataclass
from enum import StrEnum

from . import kernel, landlock, namespaces, seccomp

INPUT, OUTPUT = 3, 4  # the only descriptors of a child. 0 to 2 are closed: what a library prints goes nowhere


class Mode(StrEnum):
    """By what a child is kept from the system. seccomp and limits come with either."""

    NAMESPACES = "namespaces"  # and Landlock where the kernel has it
    LANDLOCK = "landlock"


class NoJail(Exception):
    """This system has no means to confine a child: a sentence, in French, for whoever starts the process."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one child may spend."""

    memory: int  # bytes of address space
    seconds: int  # of processor time: never of the clock, which runs on a busy machine too


def best_mode() -> Mode:
    """The strongest confinement that this system allows. Raises NoJail when there is none."""
    if kernel.MACHINE not in seccomp.AUDIT_ARCH:
        raise NoJail(f"Cette machine ({kernel.MACHINE}) n’est ni x86_64 ni aarch64 : {WITHOUT_JAIL}")
    if namespaces.are_allowed():
        return Mode.NAMESPACES
    if landlock.version():
        return Mode.LANDLOCK
    raise NoJail(f"Ce système n’autorise ni les espaces de noms utilisateur, ni Landlock : {WITHOUT_JAIL}")


WITHOUT_JAIL = (
    "les fichiers reçus ne peuvent pas être ouverts sans danger, et rien ne démarre. "
    "Autorisez-les (sysctl kernel.unprivileged_userns_clone=1, ou un noyau 5.13 avec lsm=landlock), "
    "ou lancez le service depuis un autre système."
)


def confine(input_fd: int, output_fd: int, budget: Budget) -> None:
    """This process, for ever: its input, its output, and nothing else. Raises OSError if any of it fails."""
    high = 64 + max(input_fd, output_fd)
    os.dup2(input_fd, high), os.dup2(output_fd, high + 1)
    os.dup2(high, INPUT), os.dup2(high + 1, OUTPUT)
    kernel.close_all_from(OUTPUT + 1)
    os.closerange(0, INPUT)
    os.environ.clear()
    for limit, soft, hard in (
        (resource.RLIMIT_AS, budget.memory, budget.memory),
        (resource.RLIMIT_CPU, budget.seconds, budget.seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ):
        resource.setrlimit(limit, (soft, hard))
    for ending in (signal.SIGXCPU, signal.SIGABRT):
        kernel.exit_on(ending)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    if landlock.version():
        landlock.give_up_everything()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # last: Landlock's own descriptor needed a number
    seccomp.install(os.getpid())
