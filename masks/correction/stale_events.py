"""Key events that waited too long: a held key repeats faster than a busy machine can show frames."""

import time
from typing import Any

STALE_S = 0.15  # repeats that waited longer are dropped
SAME_MS = 2  # a held key's repeats are released and pressed again at the same time, by X11's clock


class StaleKeys:
    """Recognises repeats of a held key that waited in the toolkit's queue; every press by hand counts, however late.

    The toolkits stamp events by a clock of their own; the least difference to ours that was seen is that of an event
    that did not wait.
    """

    def __init__(self) -> None:
        self._least = float("inf")
        self._held = ""
        self._released: int | None = None

    def is_stale(self, key: str, event: Any) -> bool:
        """Whether a press repeats a held key and waited longer than STALE_S.

        Args:
            key: name of the key.
            event: event of Tk (its `time` is in ms) or Qt (its `timestamp()` is); None if a program made it.
        """
        stamp = _stamp_of(event)
        anew = self._released is not None and stamp is not None and stamp - self._released > SAME_MS
        repeats = event.isAutoRepeat() if hasattr(event, "isAutoRepeat") else key == self._held and not anew
        self._held, self._released = key, None
        if stamp is None:
            return False
        behind = time.monotonic() - stamp / 1000
        self._least = min(self._least, behind)
        return repeats and behind - self._least > STALE_S

    def release(self, event: Any) -> None:
        """Note that a key was released; the event as in `is_stale`."""
        self._released = _stamp_of(event)


def _stamp_of(event: Any) -> int | None:
    """When an event happened, ms; None if nobody knows."""
    stamp = event.timestamp() if hasattr(event, "timestamp") else getattr(event, "time", None)
    return stamp if isinstance(stamp, int) and stamp else None
