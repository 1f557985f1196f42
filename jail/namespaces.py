"""Namespaces: a system in which there is nothing, for the server once and for each of its children again."""

import os
from pathlib import Path

from . import kernel

OVERFLOW = 65534  # « nobody », here and in a namespace where nobody is known
PLACE = "/proc"  # a folder that every system has, hidden from us alone

ALONE = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
)


def are_allowed() -> bool:
    """Whether this system lets us leave it. Tried in a child that ends."""
    pid = os.fork()
    if pid == 0:
        try:
            leave_the_system()
            unshare_for_one_child()
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def leave_the_system() -> None:
    """Into an empty, read-only root, without network, alone; open descriptors stay. Raises OSError."""
    user, group = os.geteuid(), os.getegid()
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else the three files below are root's
    kernel.unshare(ALONE)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{OVERFLOW} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{OVERFLOW} {group} 1")
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    quiet = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("empty", PLACE, "tmpfs", quiet, "size=4k,nr_inodes=2,mode=0555")
    os.chdir(PLACE)
    kernel.pivot_root(".", ".")
    kernel.unmount(".")
    os.chdir("/")
    kernel.mount("", "/", "", kernel.MS_REMOUNT | kernel.MS_RDONLY | quiet)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def unshare_for_one_child() -> None:
    """Namespaces of its own for the next child, who will be alone in all of them. Raises OSError."""
    kernel.unshare(ALONE | kernel.CLONE_NEWPID)
