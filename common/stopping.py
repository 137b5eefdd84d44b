"""Stopping with Ctrl-C: surely, and with a word on how to go on."""

import os
import sys
import threading

EXIT_STOPPED = 130
SECONDS_TO_STOP = 5.0


def interrupted(*_: object) -> None:
    """Stops as Python does, and surely: libraries in the middle of something may swallow the first sign."""
    last = threading.Timer(SECONDS_TO_STOP, leave)
    last.daemon = True
    last.start()
    raise KeyboardInterrupt


def leave() -> None:
    """Says how to go on and ends the process; libraries' threads would hold up a normal exit."""
    print(
        "\nStopped. What is done is kept: the same command continues from there.", file=sys.stderr, flush=True
    )
    os._exit(EXIT_STOPPED)
