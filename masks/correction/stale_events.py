"""Key events that waited too long: a held key repeats faster than a busy machine can show frames."""

import time
from typing import Any

STALE_S = 0.15  # repeats that waited longer are dropped


class StaleKeys:
    """Recognises repeats of a key that waited in the toolkit's queue.

    The toolkits stamp events by a clock of their own; the least difference to ours that was seen is that of an event
    that did not wait.
    """

    def __init__(self) -> None:
        self._least = float("inf")
        self._last = ""

    def is_stale(self, key: str, event: Any) -> bool:
        """Whether a key event repeats the one before and waited longer than STALE_S.

        Args:
            key: name of the key.
            event: event of Tk (its `time` is in ms) or Qt (its `timestamp()` is); None if a program made it.
        """
        repeats, self._last = key == self._last, key
        stamp = event.timestamp() if hasattr(event, "timestamp") else getattr(event, "time", None)
        if not isinstance(stamp, int) or not stamp:
            return False
        behind = time.monotonic() - stamp / 1000
        self._least = min(self._least, behind)
        return repeats and behind - self._least > STALE_S
