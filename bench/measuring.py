"""How figures are taken: CPU time and peak memory of a process of its own."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, goal: str, n: int = 1, **more: Any) -> Figure:
    """One line of `make bench`."""
    return {"figure": name, "value": round(value, 3), "unit": unit, "goal": goal, "n": n, **more}


def cpu_seconds() -> float:
    """User and system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_bytes() -> int:
    """Peak resident memory of this process; `ru_maxrss` would count the parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return next(int(x.split()[1]) * 1024 for x in status.splitlines() if x.startswith("VmHWM"))


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a module-level function in a fresh interpreter, so that peaks are its own."""
    code = (f"import json,sys; from {function.__module__} import {function.__name__} as f; "
            "print('RESULT' + json.dumps(f(*json.loads(sys.argv[1]))))")
    done = subprocess.run([sys.executable, "-c", code, json.dumps(arguments)], check=False,
                          capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
    lines = [x for x in done.stdout.splitlines() if x.startswith("RESULT")]
    if not lines:
        raise RuntimeError(done.stderr[-2_000:])
    return json.loads(lines[0].removeprefix("RESULT"))
