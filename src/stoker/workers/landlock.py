"""Landlock: the Linux kernel's rules by which a process gives up rights for itself.

Owns the three system calls and the bits of each version of their interface, as the kernel's
documentation (userspace-api/landlock) states them. Which paths are allowed is decided elsewhere.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

# The numbers are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH, _RULE_PORT = 1, 2

READ_FILE, READ_DIR = 1 << 2, 1 << 3
WRITE_FILE = 1 << 1
READ = READ_FILE | READ_DIR
_FILE_RIGHTS = 1 << 0 | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # and truncate, ioctl
_EXECUTE = 1 << 0
_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_TCP_BIND, _TCP_CONNECT = 1, 2
_NETWORK_SINCE, _SCOPE_SINCE = 4, 6
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scope", ctypes.c_uint64),
    )


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def version() -> int:
    """The version of the kernel's interface; 0 where there is none, or it is switched off."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def rights(abi: int) -> int:
    """All rights on files that version `abi` can take away, as bits."""
    return sum(bits for since, bits in _RIGHTS_BY_VERSION.items() if since <= abi)


def writing(abi: int) -> int:
    """All rights on files but that of executing them."""
    return rights(abi) & ~_EXECUTE


class Rules:
    """A set of rules in the making; `enforce` binds the calling thread to it for good."""

    def __init__(self, abi: int) -> None:
        self._abi = abi
        network = _TCP_BIND | _TCP_CONNECT if abi >= _NETWORK_SINCE else 0
        scope = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPE_SINCE else 0
        attributes = _Ruleset(rights(abi), network, scope)
        size = 24 if scope else 16 if network else 8
        self._handle = _call(_CREATE_RULESET, ctypes.byref(attributes), size, 0)

    def allow(self, paths: Iterable[str], bits: int) -> None:
        """Allow `bits` on `paths` and all below them; a path that does not exist is passed over."""
        for path in paths:
            try:
                handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                allowed = bits & rights(self._abi)
                rule = _PathRule(allowed if Path(path).is_dir() else allowed & _FILE_RIGHTS, handle)
                _call(_ADD_RULE, self._handle, _RULE_PATH, ctypes.byref(rule), 0)
            finally:
                os.close(handle)

    def allow_listening_on_any_port(self) -> None:
        """Allow TCP port 0, by which the kernel chooses a free one: some engines insist on it."""
        if self._abi >= _NETWORK_SINCE:
            rule = _PortRule(_TCP_BIND, 0)
            _call(_ADD_RULE, self._handle, _RULE_PORT, ctypes.byref(rule), 0)

    def enforce(self) -> None:
        """Give up every right that no rule allows. Needs `no_new_privs` or CAP_SYS_ADMIN."""
        _call(_RESTRICT_SELF, self._handle, 0)
        os.close(self._handle)


def describe(abi: int) -> str:
    """What version `abi` holds back besides files, in words."""
    parts = [f"version {abi}: files"]
    parts += ["TCP"] if abi >= _NETWORK_SINCE else []
    parts += ["abstract sockets", "signals"] if abi >= _SCOPE_SINCE else []
    return ", ".join(parts)


def _call(number: int, *arguments: object) -> int:
    """The result of a system call.

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    converted = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
