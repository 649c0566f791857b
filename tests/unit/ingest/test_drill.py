"""The kill drill's subset for every change; `make drill` does it all."""

import subprocess
import sys
from pathlib import Path

from tests.drill import FEW

ROOT = Path(__file__).parents[3]


def test_a_handful_of_faults_does_no_harm() -> None:
    """In a process of its own: a drill forks, and this one has threads."""
    done = subprocess.run([sys.executable, "-m", "tests.drill", "--few"], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(FEW)} faults did no harm, 0 did, 0 never struck" in done.stdout
    assert sorted(f"ok {case}" for case in FEW) == sorted(
        line for line in done.stdout.splitlines() if line.startswith("ok "))
