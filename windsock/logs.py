"""Logs as key=value lines on stderr, and progress bars where a person watches."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


def start(*, verbose: bool = False) -> None:
    """Send our loggers to stderr; other libraries' only when they warn."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(
        "%(asctime)s level=%(levelname)s logger=%(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("windsock").setLevel(logging.DEBUG if verbose else logging.INFO)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """A bar per subject, from 0 to 1, shown when stderr is a terminal.

    Yields:
        A function of (subject, share that is done).
    """
    bars: dict[str, tqdm] = {}

    def tell(subject: str, share: float) -> None:
        if subject not in bars:
            bars[subject] = tqdm(total=100, desc=f"{title} {subject}", unit="%", leave=False,
                                 file=sys.stderr, disable=not sys.stderr.isatty())
        bars[subject].n = round(100 * share)
        bars[subject].refresh()

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def note(text: str, *, after: float = 2.0) -> Iterator[None]:
    """Say on stderr what takes so long, if it does."""
    timer = threading.Timer(after, lambda: print(f"windsock: {text}", file=sys.stderr))  # noqa: T201
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
