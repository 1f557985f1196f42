"""Landlock: what a process gives up of files, of TCP, of signals and of abstract sockets, by its own will."""

import ctypes
import os

from . import kernel

CREATE_RULESET_VERSION = 1

# What each version of the interface can take away: rights over files, over TCP, towards others.
FILES = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}
TCP = {4: 0x3}
SCOPES = {6: 0x3}


def version() -> int:
    """The version of the interface that this kernel has; 0 when it has none, or refuses it."""
    try:
        nothing = ctypes.c_void_p(None)
        return kernel.syscall(
            "landlock_create_ruleset",
            kernel.SYS_LANDLOCK_CREATE_RULESET,
            nothing,
            ctypes.c_size_t(0),
            ctypes.c_uint32(CREATE_RULESET_VERSION),
        )
    except OSError:
        return 0


def _newest(known: dict[int, int], having: int) -> int:
    return max((rights for since, rights in known.items() if since <= having), default=0)


def give_up_everything() -> None:
    """Every right that this kernel knows of, with no exception to any. Raises OSError."""
    having = version()
    handled = (ctypes.c_uint64 * 3)(_newest(FILES, having), _newest(TCP, having), _newest(SCOPES, having))
    size = 24 if having >= 6 else 16 if having >= 4 else 8
    ruleset = kernel.syscall(
        "landlock_create_ruleset",
        kernel.SYS_LANDLOCK_CREATE_RULESET,
        ctypes.byref(handled),
        ctypes.c_size_t(size),
        ctypes.c_uint32(0),
    )
    try:
        kernel.syscall(
            "landlock_restrict_self",
            kernel.SYS_LANDLOCK_RESTRICT_SELF,
            ctypes.c_int(ruleset),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(ruleset)
