"""Both engines against the oracle, and against each other."""

from collections import Counter
from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.world.atlas import NEVER
from ingest.world.caused import Happened
from ingest.world.company import Company
from ingest.world.due import MANUAL
from ingest.world.exact import Arrivals, Limits, play_exactly
from ingest.world.levels import play
from ingest.world.plan import STATES
from ingest.world.simulate import simulate
from tests.unit.ingest.world.companies import DAY, some_company
from tests.world_oracle import Told, replay

NUMBERS = st.integers(0, 2**32)


def instance_of(one: Happened, told: Told, names: dict[int, tuple[str, int]]) -> Told:
    """The same instance as the engine tells it."""
    story, who = one.story, told.number
    gate = int(story.gate[who])
    tries = [(*(int(a[who, n]) for a in (story.scheduled, story.queued, story.started,
                                         story.ended)), STATES[story.try_state[who, n]])
             for n in range(int(story.tries[who]))]
    return Told(who, STATES[story.state[who]], tries, int(story.done[who]),
                int(story.stamp[who]), int(story.ready[who]), None if gate < 0 else names[gate])


def check(company: Company) -> Counter[str]:
    """Compares every run of a day; counts the states that it met."""
    seen: Counter[str] = Counter()
    for one in simulate(company, DAY).happened:
        story = one.story
        for run in range(len(one.due.dag)):
            told = replay(company, one, run)
            names = {t.number: key for key, t in told.items()}
            mine = np.flatnonzero((story.plan.instance_run == run) & story.is_there)
            assert sorted(names) == mine.tolist()
            assert told == {key: instance_of(one, t, names) for key, t in told.items()}
            seen.update(t.state for t in told.values())
            bad = {k[0] for k, t in told.items() if t.state in ("failed", "upstream_failed")}
            is_failed = bool(bad & leaves_of(company, one, run))
            assert STATES[story.run_state[run]] == ("failed" if is_failed else "success")
            last = max(t.done for t in told.values())
            assert story.run_ended[run] == last + story.plan.run_gap[run]
    return seen


def leaves_of(company: Company, one: Happened, run: int) -> set[str]:
    p = one.story.plan
    version = int(p.run_version[run])
    rows = company.tasks.slice(int(p.atlas.version_first[version]),
                               int(p.atlas.version_size[version]))
    return set(rows["task_id"]) - {up for ups in rows["upstream_task_ids"] for up in ups}


@settings(max_examples=40, deadline=None)
@given(NUMBERS)
def test_level_by_level_as_run_by_run(number: int) -> None:
    check(some_company(number))


@settings(max_examples=40, deadline=None)
@given(NUMBERS)
def test_event_by_event_as_run_by_run(number: int) -> None:
    check(some_company(number, exact=True))


def test_the_random_companies_reach_every_state() -> None:
    seen = sum((check(some_company(n)) for n in range(12)), Counter[str]())
    assert set(seen) == {"success", "failed", "skipped", "upstream_failed"}


@settings(max_examples=30, deadline=None)
@given(NUMBERS)
def test_without_full_limits_both_engines_tell_the_same(number: int) -> None:
    for one in simulate(some_company(number), DAY).happened:
        story, runs = one.story, len(one.due.dag)
        roomy = Limits([[] for _ in story.state], {}, np.full(runs, NEVER), one.due.dag,
                       np.zeros(len(story.state), dtype=np.int64))
        arrivals = Arrivals(story.run_queued, np.full(runs, MANUAL), np.zeros(runs, dtype=int),
                            story.run_started - story.run_queued)
        other = play_exactly(story.plan, roomy, arrivals)
        again = play(story.plan, story.run_queued, story.run_started)
        for name in (f.name for f in fields(story) if f.name != "plan"):
            np.testing.assert_array_equal(getattr(other, name), getattr(story, name), name)
            np.testing.assert_array_equal(getattr(again, name), getattr(story, name), name)
