"""The lock of an output in an object store: an object beside it, which its run creates and renews.

A store has no file locks. Who creates the object, by a conditional PUT, has the output; one that stays the same for
STALE_S belonged to a run that was killed, and is taken over.
"""

import contextlib
import json
import os
import platform
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from common.errors import UserError, message_line
from common.stores.objects import file_system, said

RENEW_S = 10  # how often a run renews its lock
STALE_S = 45  # a lock that is not renewed for so long belongs to a run that was killed
SETTLE_S = 5  # longer than a PUT takes: who has taken over a lock waits for others who did so at the same time
POLL_S = 1


class StoreLock:
    """Keeps other runs out of an address."""

    def __init__(self, output: str) -> None:
        """Takes the address to be locked."""
        parent, _, name = output.rpartition("/")
        self._output, self._url = output, f"{parent}/.{name}.lock"
        self._mine = {"run": secrets.token_hex(16), "machine": platform.node(), "process": os.getpid()}
        self._renewed = 0.0
        self._lost = ""  # why the lock is no longer ours

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the lock as long as the block runs. Raises UserError where another run has it, or no store is there."""
        try:
            self._take()
        except (KeyboardInterrupt, SystemExit):  # perhaps after the PUT
            self._give_up()
            raise
        ended = threading.Event()
        thread = threading.Thread(target=self._keep, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            try:
                ended.set()
                thread.join()
            finally:
                self._give_up()

    def check(self) -> None:
        """Raise UserError where the lock is no longer ours; a run that slept may have lost it meanwhile."""
        if time.time() - self._renewed > STALE_S:  # the clock of the wall goes on while a laptop sleeps
            self._renew()
        if self._lost:
            raise UserError(self._lost)

    def _take(self) -> None:
        """Create the lock, or take over that of a run that was killed."""
        while not self._write("create"):
            held = self._read()
            if held is None:
                continue
            facts = _parsed(held)
            if facts.get("run") == self._mine["run"]:  # a library repeated the PUT, whose answer was lost
                return
            who = f"{facts.get('machine', 'another machine')}, {facts.get('time', 'at an unknown time')}"
            waits = f"{self._output}: locked by a run on {who}; waiting to see whether it lives"
            print(message_line(waits), file=sys.stderr)
            later = self._watched(held)
            if later is None:
                continue
            if later == held:
                self._write()
                time.sleep(SETTLE_S)
                if self._is_mine():
                    return
            what = "another run is writing it; wait for its end, or set OUTPUT to another folder"
            raise UserError(f"cannot write {self._output}: {what}")

    def _watched(self, held: bytes) -> bytes | None:
        """The lock as soon as it changes, or after STALE_S; None: it is gone."""
        deadline, now = time.monotonic() + STALE_S, self._read()
        while now == held and time.monotonic() < deadline:
            time.sleep(POLL_S)
            now = self._read()
        return now

    def _keep(self, ended: threading.Event) -> None:
        while not self._lost and not ended.wait(RENEW_S):
            self._renew()

    def _renew(self) -> None:
        try:
            if self._is_mine():
                self._write()
            else:
                self._lost = f"{self._output}: another run has taken over; nothing more is written"
        except UserError as error:
            if time.time() - self._renewed > STALE_S:  # until then, the network may come back
                self._lost = f"{error}; not reached for {STALE_S} s, the same command resumes"

    def _give_up(self) -> None:
        with contextlib.suppress(UserError), said(self._url):  # it goes stale
            if not self._lost and self._is_mine():
                file_system(self._url).rm_file(self._url)

    def _content(self) -> bytes:
        return json.dumps(self._mine | {"time": datetime.now(UTC).isoformat()}).encode()

    def _write(self, mode: str = "overwrite") -> bool:
        """Write the lock; mode "create": gives False where there is one."""
        started = time.time()
        with said(self._output):
            try:
                file_system(self._url).pipe_file(self._url, self._content(), mode=mode)
            except FileExistsError:
                return False
        self._renewed = started
        return True

    def _read(self) -> bytes | None:
        with said(self._output):
            try:
                return bytes(file_system(self._url).cat_file(self._url))
            except FileNotFoundError:
                return None

    def _is_mine(self) -> bool:
        return _parsed(self._read() or b"").get("run") == self._mine["run"]


def _parsed(content: bytes) -> dict[str, Any]:
    """The facts of a lock, which anybody who can write the bucket may have written; none where it has none."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
