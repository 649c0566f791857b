"""What did happen to the runs of a plan, and how a run's state follows from its leaves.

    Plan  ->  Story (filled by levels.py or exact.py)  ->  close(story): states and ends of runs
"""

from dataclasses import dataclass

import numpy as np

from ingest.world.atlas import NEVER, NO_ERROR, Bools, Ints
from ingest.world.plan import FAILED, SUCCESS, UPSTREAM_FAILED, Plan


@dataclass
class Story:
    """Arrays by instance (and try), and by run. 0 is an instant that there was not.

    Attributes:
        scheduled, queued, started, ended: of each try.
        try_state, try_error: of each try.
        tries: how many there were; 0: it never ran.
        state: of the instance.
        ready: when its gate let it go.
        stamp: when it was decided that it never runs.
        done: when what comes after it may count it as ended; NEVER: not yet.
        gate: the instance that it waited for; -1: none.
        is_there: the other indices of a mapped task that never ran do not exist.
        run_queued, run_started, run_ended, run_state: of the runs.
    """

    plan: Plan
    scheduled: Ints
    queued: Ints
    started: Ints
    ended: Ints
    try_state: Ints
    try_error: Ints
    tries: Ints
    state: Ints
    ready: Ints
    stamp: Ints
    done: Ints
    gate: Ints
    is_there: Bools
    run_queued: Ints
    run_started: Ints
    run_ended: Ints
    run_state: Ints


def blank(p: Plan, run_queued: Ints, run_started: Ints) -> Story:
    """Nothing has happened yet, but that the runs were made."""
    count, tries = p.gap.shape

    def by_try(fill: int = 0) -> Ints:
        return np.full((count, tries), fill, dtype=np.int64)

    def by_instance(fill: int = 0) -> Ints:
        return np.full(count, fill, dtype=np.int64)

    runs = len(p.run_version)
    return Story(p, by_try(), by_try(), by_try(), by_try(), by_try(), by_try(NO_ERROR),
                 by_instance(), by_instance(), by_instance(), by_instance(), by_instance(NEVER),
                 by_instance(-1), np.ones(count, dtype=bool), run_queued.copy(),
                 run_started.copy(), np.zeros(runs, dtype=np.int64),
                 np.zeros(runs, dtype=np.int64))


def close(story: Story) -> None:
    """Ends the runs: a run fails if one of its leaves did."""
    p = story.plan
    run = p.instance_run
    last = np.zeros(len(p.run_version), dtype=np.int64)
    np.maximum.at(last, run, np.where(story.is_there, story.done, 0))
    is_leaf = p.atlas.task_is_leaf[p.instance_task]
    is_bad = is_leaf & story.is_there & np.isin(story.state, (FAILED, UPSTREAM_FAILED))
    has_failed = np.bincount(run, is_bad, minlength=len(last)) > 0
    story.run_ended = last + p.run_gap
    story.run_state = np.where(has_failed, FAILED, SUCCESS)
