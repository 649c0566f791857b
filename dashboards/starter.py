"""No process outlives the one that started it, even where that was killed and could tell nobody.

    the starter holds the other end of our standard input  ->  it is gone  ->  end of file  ->  act
"""

import os
import sys
import threading
from collections.abc import Callable


def when_gone(act: Callable[[], object]) -> None:
    """Call this from another thread once the starter is gone; standard input must be its pipe."""
    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        act()

    threading.Thread(target=wait, daemon=True, name="windsock-starter").start()
