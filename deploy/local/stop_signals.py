"""When the stack is to stop, and how long that may take."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

STOPS = (signal.SIGINT, signal.SIGTERM)
_BY_ITSELF = 0


class StopSignals:
    """The first Ctrl-C stops in order, a second one at once; what takes longer than `last` seconds is ended.

    Heard by a thread of its own, which the event loop cannot hold up. A handler in Python would not do: it runs in the
    main thread, and a signal that the kernel gives to another thread does not wake that one from what it waits for.
    """

    def __init__(self, last: float, stop: Callable[[], None], kill: Callable[[], None]) -> None:
        """`stop` is to begin stopping, `kill` ends what is left; both are called by the thread."""
        self._last, self._stop, self._kill = last, stop, kill
        self._heard, self._hear = socket.socketpair()
        self._hear.setblocking(False)
        signal.set_wakeup_fd(self._hear.fileno())
        for number in STOPS:
            signal.signal(number, lambda *_: None)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stopping(self) -> None:
        """Stopping has begun: from now on the seconds count."""
        self._hear.send(bytes([_BY_ITSELF]))

    def _watch(self) -> None:
        asked, deadline = False, None
        while True:
            self._heard.settimeout(deadline and max(0.001, deadline - time.monotonic()))
            try:
                number = self._heard.recv(1)[0]
            except TimeoutError:
                number, asked = signal.SIGALRM, True
            deadline = deadline or time.monotonic() + self._last
            if number == _BY_ITSELF:
                continue
            if asked:
                self._kill()
                os._exit(128 + number)
            asked = True
            self._stop()
