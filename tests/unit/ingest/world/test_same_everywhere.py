"""A seed gives the same company in every process, whatever order Python keeps sets in."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib
from ingest.world.company import company
from ingest.world.simulate import simulate
made = company("tiny", 5)
day = simulate(made, made.began_at.date())
digest = hashlib.sha256()
for frame in (made.dags, made.tasks, made.habits, made.rhythms, day.runs, day.attempts, day.causes):
    digest.update(repr(frame.rows()).encode())
print(digest.hexdigest())
"""


def test_the_order_of_sets_changes_nothing() -> None:
    found = {subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True,
                            text=True, env=os.environ | {"PYTHONHASHSEED": seed}).stdout
             for seed in ("1", "2")}
    assert len(found) == 1
    assert found != {""}
