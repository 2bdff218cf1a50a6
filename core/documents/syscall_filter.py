"""The system calls that parsing takes, as a BPF program for seccomp: reading files, memory, time, and no more.

A list of what is allowed, so that what kernels learn later is not. All else fails with EPERM and harms nobody: no
socket, no other process, no program, no signal, no file that is opened to be written. Knows nothing of documents.
"""

from __future__ import annotations

import errno
import platform
from collections.abc import Iterator, Mapping, Sequence

from core.linux import Instruction

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF: LD|W|ABS, JMP|JEQ, JGE, JSET, RET
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CALL, _PROCESSOR, _FIRST_ARGUMENT = 0, 4, 16  # places in `struct seccomp_data`
_OTHER_TABLE = 0x40000000  # of x86-64: the same calls under other numbers

_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE
_IOCTLS = (0x5401, 0x541B, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONCLEX, FIOCLEX: whether a file is a terminal, …
_FCNTLS = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_READ_ONLY = {"open": 1, "openat": 2}  # which argument has the flags
_COMMANDS = {"ioctl": (1, _IOCTLS), "fcntl": (1, _FCNTLS), "prlimit64": (0, (0,))}  # this process's own limits
_UNKNOWN = ("clone3", "openat2")  # the C library goes on without these where they do not exist

# The numbers of <asm/unistd_64.h> and of <asm-generic/unistd.h>.
_X86_64: Mapping[str, int] = dict(  # noqa: C408 - shorter, and a table
    read=0, write=1, open=2, close=3, stat=4, fstat=5, lstat=6, poll=7, lseek=8, mmap=9, mprotect=10, munmap=11,
    brk=12, rt_sigaction=13, rt_sigprocmask=14, rt_sigreturn=15, ioctl=16, pread64=17, readv=19, writev=20, access=21,
    select=23, sched_yield=24, mremap=25, madvise=28, dup=32, dup2=33, nanosleep=35, getpid=39, exit=60, uname=63,
    fcntl=72, getcwd=79, readlink=89, gettimeofday=96, getrlimit=97, getrusage=98, sysinfo=99, times=100, getuid=102,
    getgid=104, geteuid=107, getegid=108, getppid=110, sigaltstack=131, statfs=137, fstatfs=138, setrlimit=160,
    gettid=186, time=201, futex=202, sched_getaffinity=204, getdents64=217, set_tid_address=218, restart_syscall=219,
    fadvise64=221, clock_gettime=228, clock_getres=229, clock_nanosleep=230, exit_group=231, openat=257,
    newfstatat=262, readlinkat=267, faccessat=269, pselect6=270, ppoll=271, set_robust_list=273, dup3=292,
    prlimit64=302, getcpu=309, getrandom=318, membarrier=324, statx=332, rseq=334, clone3=435, openat2=437,
    faccessat2=439,
)  # fmt: skip
_AARCH64: Mapping[str, int] = dict(  # noqa: C408
    getcwd=17, dup=23, dup3=24, fcntl=25, ioctl=29, statfs=43, fstatfs=44, faccessat=48, openat=56, close=57,
    getdents64=61, lseek=62, read=63, write=64, readv=65, writev=66, pread64=67, pselect6=72, ppoll=73, readlinkat=78,
    newfstatat=79, fstat=80, exit=93, exit_group=94, set_tid_address=96, futex=98, set_robust_list=99, nanosleep=101,
    clock_gettime=113, clock_getres=114, clock_nanosleep=115, sched_getaffinity=123, sched_yield=124,
    restart_syscall=128, sigaltstack=132, rt_sigaction=134, rt_sigprocmask=135, rt_sigreturn=139, times=153, uname=160,
    getrlimit=163, setrlimit=164, getrusage=165, getcpu=168, gettimeofday=169, getpid=172, getppid=173, getuid=174,
    geteuid=175, getgid=176, getegid=177, gettid=178, sysinfo=179, brk=214, munmap=215, mremap=216, mmap=222,
    fadvise64=223, mprotect=226, madvise=233, prlimit64=261, getrandom=278, membarrier=283, statx=291, rseq=293,
    clone3=435, openat2=437, faccessat2=439,
)  # fmt: skip
_TABLES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def program() -> Sequence[Instruction]:
    """The filter for this processor.

    Raises:
        OSError: its numbers are not known here.
    """
    if platform.machine() not in _TABLES:
        raise OSError(errno.ENOSYS, f"the system calls of {platform.machine()} are not listed")
    processor, numbers = _TABLES[platform.machine()]
    return [
        Instruction(_LOAD, 0, 0, _PROCESSOR),
        Instruction(_EQUAL, 1, 0, processor),
        Instruction(_RETURN, 0, 0, _KILL),
        Instruction(_LOAD, 0, 0, _CALL),
        Instruction(_AT_LEAST, 0, 1, _OTHER_TABLE),
        _error(errno.EPERM),
        *(step for name, number in numbers.items() for step in _case(number, list(_verdict(name)))),
        _error(errno.EPERM),
    ]


def _case(number: int, steps: Sequence[Instruction]) -> Iterator[Instruction]:
    yield Instruction(_EQUAL, 0, len(steps), number)
    yield from steps


def _verdict(name: str) -> Iterator[Instruction]:
    """What becomes of a call, ending with it."""
    if name in _UNKNOWN:
        yield _error(errno.ENOSYS)
    elif name in _READ_ONLY:
        yield Instruction(_LOAD, 0, 0, _place(_READ_ONLY[name]))
        yield Instruction(_ANY_BIT, 0, 1, _WRITING)
        yield _error(errno.EPERM)
        yield _allow()
    elif name in _COMMANDS:
        argument, commands = _COMMANDS[name]
        yield Instruction(_LOAD, 0, 0, _place(argument))
        for left, command in zip(range(len(commands), 0, -1), commands, strict=True):
            yield Instruction(_EQUAL, left, 0, command)
        yield _error(errno.EPERM)
        yield _allow()
    else:
        yield _allow()


def _place(argument: int) -> int:
    """Where the lower half of an argument stands; both processors put it first."""
    return _FIRST_ARGUMENT + 8 * argument


def _allow() -> Instruction:
    return Instruction(_RETURN, 0, 0, _ALLOW)


def _error(number: int) -> Instruction:
    return Instruction(_RETURN, 0, 0, _ERROR | number)
