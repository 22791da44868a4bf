"""The digest of a file that grows from its beginning, taken by a thread while the rest comes.

It reads from the file what was written to it, so it hashes what lies there and not what was meant
to; and what it has hashed it sends on to the disk. Owns the thread and how far it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading

from stoker.files.disk import begin_writing

_STEP_BYTES = 1 << 20
_TURN_BYTES = 8 << 20


class PrefixHasher:
    """Hashes the open file `handle` as far as it was told that bytes are there; close it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._changed = threading.Condition()
        self._state = hashlib.sha256()
        self._at = self._end = 0
        self._closed = False
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
        self._thread.start()

    def advance(self, end: int) -> None:
        """The bytes up to `end` are there."""
        with self._changed:
            if end > self._end:
                self._end = end
                self._changed.notify_all()

    def restart(self) -> None:
        """Nothing is there any more."""
        with self._changed:
            self._state = hashlib.sha256()
            self._at = self._end = 0

    async def digest(self) -> str:
        """The digest of all bytes that are there, once they are hashed.

        Raises:
            OSError: the file cannot be read.
        """
        return await asyncio.to_thread(self._wait)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _wait(self) -> str:
        with self._changed:
            self._changed.wait_for(lambda: self._at >= self._end or self._failure or self._closed)
            if self._failure is not None:
                raise self._failure
            if self._at < self._end:
                raise OSError(None, "the file was let go before it was hashed")
            return f"sha256:{self._state.hexdigest()}"

    def _run(self) -> None:
        buffer = memoryview(bytearray(_STEP_BYTES))
        try:
            while self._turn(buffer):
                pass
        except OSError as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _turn(self, buffer: memoryview) -> bool:
        """Hash some of what is there; False once nobody wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._at < self._end or self._closed)
            if self._closed:
                return False
            state, at, end = self._state, self._at, min(self._end, self._at + _TURN_BYTES)
        begun, at = at, self._hash(state, at, end, buffer)
        begin_writing(self._handle, begun, at - begun)
        with self._changed:
            if state is self._state:  # otherwise it began anew meanwhile
                self._at = at
                self._changed.notify_all()
        return True

    def _hash(self, state: hashlib._Hash, at: int, end: int, buffer: memoryview) -> int:
        while at < end:
            count = os.preadv(self._handle, [buffer[: end - at]], at)
            if not count:
                if state is not self._state:
                    return at
                raise OSError(None, "the file became shorter while it was hashed")
            state.update(buffer[:count])
            at += count
        return at
