"""The mechanisms of the cage; each is applied to the calling process, for good.

Owns the order in which they must come and the report of what held. It decides nothing: the
policy says what may be read and written. Known limit: a Unix socket that has a path can be
connected to wherever the user may; neither Landlock nor a network namespace holds that back.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable

from stoker.workers import landlock
from stoker.workers.policy import CagePolicy, CageReport, Mechanism

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_CAPABILITY_VERSION_3 = 0x20080522

_SYSTEM_READABLE = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/proc",
    "/sys",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/hosts",
    "/etc/ssl/openssl.cnf",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)
_SYSTEM_WRITABLE = ("/dev/null",)

Step = tuple[str, Callable[[CagePolicy], str]]


class NotOnThisPlatformError(OSError):
    """The mechanism belongs to another operating system."""


class ParentGoneError(Exception):
    """Our parent ended before the cage was closed: nobody is left to work for."""


def apply(policy: CagePolicy) -> CageReport:
    """Close the cage around this process, which must have one thread only; what held and what not.

    Raises:
        ParentGoneError: the expected parent is no longer there.
    """
    return CageReport(tuple(_attempt(name, step, policy) for name, step in STEPS))


def _attempt(name: str, step: Callable[[CagePolicy], str], policy: CagePolicy) -> Mechanism:
    try:
        return Mechanism(name, applied=True, detail=step(policy))
    except NotOnThisPlatformError:
        return Mechanism(name, applied=False, detail="not available on this platform")
    except OSError as error:
        return Mechanism(name, applied=False, detail=error.strerror or str(error))


def limit_resources(policy: CagePolicy) -> str:
    """No core dumps, which would hold prompts; no more descriptors than the policy says."""
    if sys.platform == "win32":
        raise NotOnThisPlatformError
    import resource  # noqa: PLC0415 - not there on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = policy.open_files if hard == resource.RLIM_INFINITY else min(hard, policy.open_files)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return f"no core dumps, {files} open files"


def leave_terminal(_: CagePolicy) -> str:
    """The terminal of whoever started us is out of reach: nothing can be typed into it."""
    _need_linux()
    import fcntl  # noqa: PLC0415 - not there on Windows
    import termios  # noqa: PLC0415

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return "there was none"
    try:
        fcntl.ioctl(terminal, termios.TIOCNOTTY)
    finally:
        os.close(terminal)
    return "left"


def leave_network(_: CagePolicy) -> str:
    """A network namespace of its own: no interface but a loopback that nobody else shares."""
    _need_linux()
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _unshared(_CLONE_NEWNET):
        _raise_loopback()
        return "own network namespace"
    if not _unshared(_CLONE_NEWUSER | _CLONE_NEWNET):
        _raise_errno()
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    _raise_loopback()
    return "own network and user namespace"


def forbid_new_privileges(_: CagePolicy) -> str:
    """No program that this process starts can gain rights (setuid and the like)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return "set"


def restrict_files(policy: CagePolicy) -> str:
    """Landlock: only the policy's paths exist, nothing is executable, no TCP connection opens."""
    _need_linux()
    abi = landlock.version()
    if abi == 0:
        raise OSError(0, "the kernel does not offer Landlock")
    rules = landlock.Rules(abi)
    rules.allow((*_SYSTEM_READABLE, *policy.readable), landlock.READ)
    rules.allow(policy.listable, landlock.READ_DIR)
    rules.allow(_SYSTEM_WRITABLE, landlock.READ_FILE | landlock.WRITE_FILE)
    rules.allow(policy.writable, landlock.writing(abi))
    rules.allow_listening_on_any_port()
    rules.enforce()
    return landlock.describe(abi)


def drop_capabilities(_: CagePolicy) -> str:
    """Nothing of root's powers is kept, nor of those that a user namespace lends."""
    _need_linux()
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, bytes(24)) != 0:
        _raise_errno()
    return "none left"


def die_with_parent(policy: CagePolicy) -> str:
    """The kernel kills this process when the thread that spawned it ends.

    Comes last, for a change of credentials clears the request. A parent that ended before is
    told by its process id, which is no longer our parent's.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != policy.parent:
        raise ParentGoneError
    _need_linux()
    return "killed when the parent ends"


STEPS: tuple[Step, ...] = (
    ("limits", limit_resources),
    ("terminal", leave_terminal),
    ("network", leave_network),
    ("no_new_privileges", forbid_new_privileges),
    ("landlock", restrict_files),
    ("capabilities", drop_capabilities),
    ("parent_death", die_with_parent),
)


def _need_linux() -> None:
    if sys.platform != "linux":
        raise NotOnThisPlatformError


def _unshared(flags: int) -> bool:
    return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)


def _prctl(option: int, value: int) -> None:
    _need_linux()
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        _raise_errno()


def _raise_errno() -> None:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _raise_loopback() -> None:
    """Bring the new namespace's loopback up: engines that also open a TCP port fail without it."""
    import fcntl  # noqa: PLC0415 - not there on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        name = struct.pack("16sh22x", b"lo", 0)
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(handle, _SIOCGIFFLAGS, name))
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
