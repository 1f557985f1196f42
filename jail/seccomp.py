"""The system calls that a jailed child may make, as the filter that the kernel runs before each of them.

An allow-list: memory, its own two descriptors, clocks, and its own end. Whatever is not on it fails with
EPERM: no file is opened, no process made, no socket, no signal sent to others, no limit changed.
"""

import ctypes
import errno
import struct

from . import kernel

# audit.h: the machine a call was made for. A 32-bit call has other numbers, and is fatal.
AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
COLUMN = {"x86_64": 0, "aarch64": 1}
X32 = 0x4000_0000  # calls of the x32 kind, under the same machine

ALLOWED = {
    # its input and its output
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "lseek": (8, 62),
    "close": (3, 57),
    # memory
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    # the C library, itself
    "futex": (202, 98),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getrandom": (318, 278),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    # the end
    "exit": (60, 93),
    "exit_group": (231, 94),
}
MMAP, MPROTECT, TGKILL, PRLIMIT = (9, 222), (10, 226), (234, 131), (302, 261)
PROT_EXEC = 4

# linux/filter.h: classic BPF over struct seccomp_data.
LOAD, AND, RETURN = 0x20, 0x54, 0x06
JUMP_EQUAL, JUMP_AT_LEAST = 0x15, 0x35
NUMBER, ARCH, ARGUMENTS = 0, 4, 16  # offsets in seccomp_data
ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
REFUSE = 0x0005_0000 | errno.EPERM
SECCOMP_MODE_FILTER = 2

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


def filter_for(pid: int, machine: str = kernel.MACHINE) -> bytes:
    """The filter of the process that calls itself `pid`: one instruction each eight bytes."""
    column = COLUMN[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCH),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, KILL),
    ]
    for numbers in ALLOWED.values():
        program += [(JUMP_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ALLOW)]
    # Memory is never made executable.
    for numbers in (MMAP, MPROTECT):
        program += _when(numbers[column], [(LOAD, 0, 0, _low(2)), (AND, 0, 0, PROT_EXEC)], equal_to=0)
    # abort(3) signals oneself; nobody else.
    program += _when(TGKILL[column], [(LOAD, 0, 0, _low(0))], equal_to=pid)
    # One's own limits are read, with no new one given: argument 2 is a null pointer, both halves of it.
    halves: list[Instruction] = [
        (LOAD, 0, 0, _low(0)),
        (JUMP_EQUAL, 1, 0, 0),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, _low(2)),
        (JUMP_EQUAL, 1, 0, 0),
        (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, _low(2) + 4),
    ]
    program += _when(PRLIMIT[column], halves, equal_to=0)
    program.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _low(argument: int) -> int:
    """Where the low half of an argument is: both machines are little-endian."""
    return ARGUMENTS + 8 * argument


def _when(number: int, test: list[Instruction], *, equal_to: int) -> list[Instruction]:
    """Allow call `number` when what `test` loads is `equal_to`, else refuse it."""
    inside = [*test, (JUMP_EQUAL, 0, 1, equal_to), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return [(JUMP_EQUAL, 0, len(inside), number), *inside]


def install(pid: int) -> None:
    """From here on, for ever. Wants no_new_privs. Raises OSError."""
    program = filter_for(pid)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    kernel.prctl(
        kernel.PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(program) // 8, program))
    )
