"""Processes of a batch: what they start with."""

import os
import signal
import threading

import pytest

from common.workers import ONE_THREAD, _worker_environment


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C in another way")
def test_ctrl_c_waits_until_a_process_has_started_whichever_thread_hears_of_it() -> None:
    """Its traceback would follow the one line that says that the run was interrupted."""
    ended, before, reached = threading.Event(), os.environ.copy(), False
    other = threading.Thread(target=ended.wait)
    other.start()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), _worker_environment():
            assert all(os.environ[name] == "1" for name in ONE_THREAD)
            assert other.ident is not None
            signal.pthread_kill(other.ident, signal.SIGINT)
            ended.wait(0.2)
            reached = True
        assert reached and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert os.environ == before
    finally:
        signal.signal(signal.SIGINT, handler)
        ended.set()
        other.join()
