"""The calls to Linux that Python does not have, on x86_64 and aarch64."""

import ctypes
import os
import platform

MACHINE = platform.machine()

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_GET_PDEATHSIG = 2
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38

# linux/sched.h
CLONE_NEWNS = 0x0002_0000
CLONE_NEWCGROUP = 0x0200_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

# sys/mount.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000
MNT_DETACH = 2

# The same on both machines.
SYS_LANDLOCK_CREATE_RULESET = 444
SYS_LANDLOCK_RESTRICT_SELF = 446
SYS_CLOSE_RANGE = 436
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}

CAPABILITY_VERSION_3 = 0x2008_0522
LAST_CAPABILITY = 63  # of what the kernel can number; those it does not have are refused

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Make the system call `number`. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


NOTHING = ctypes.c_ulong(0)


def prctl(option: int, value: int, argument: object = NOTHING) -> int:
    """Raises OSError."""
    return _checked(_libc.prctl(option, ctypes.c_ulong(value), argument, NOTHING, NOTHING), f"prctl {option}")


def signal_at_parents_death() -> int:
    """The signal that this process asked for, 0 for none."""
    asked = ctypes.c_int(0)
    _checked(_libc.prctl(PR_GET_PDEATHSIG, ctypes.byref(asked), NOTHING, NOTHING, NOTHING), "prctl")
    return asked.value


def unshare(flags: int) -> None:
    """Raises OSError where namespaces are refused."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = [word.encode() for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()), "mount")


def unmount(target: str) -> None:
    """Out of sight at once, released when the last user has gone."""
    _checked(_libc.umount2(target.encode(), MNT_DETACH), "umount2")


def pivot_root(new: str, old: str) -> None:
    syscall("pivot_root", SYS_PIVOT_ROOT[MACHINE], new.encode(), old.encode())


def close_all_from(first: int) -> None:
    """Close every file descriptor from `first` on."""
    syscall(
        "close_range", SYS_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(0xFFFF_FFFF), ctypes.c_uint(0)
    )


def exit_on(signal_number: int) -> None:
    """End the process at once on this signal, its number as exit status.

    In C, for it must hold while a library works; and because the first process of a PID namespace is not
    stopped by signals whose action is the default one.
    """
    ending = ctypes.cast(_libc._exit, ctypes.c_void_p)
    if _libc.signal(signal_number, ending) == -1:
        raise OSError(ctypes.get_errno(), "signal")


def drop_capabilities() -> None:
    """Every capability, and the means to get one back. Raises OSError."""
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # not of this kernel, or nothing to drop from: the sets below are what counts
            break
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    none_of_them = (ctypes.c_uint32 * 6)()
    syscall("capset", SYS_CAPSET[MACHINE], header, none_of_them)


# A process's own clock of processor time, as clock_getcpuclockid(3) numbers it: readable from outside.
CPUCLOCK_SCHED = 2


def processor_clock(pid: int) -> int:
    return (~pid << 3) | CPUCLOCK_SCHED
