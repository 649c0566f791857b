"""The Python twin of the observed path: each rule of docs/critical_path.md by hand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.critical_path import (
    Attempt,
    Instance,
    Path,
    PreviousRun,
    Run,
    Task,
    microseconds,
    observed_path,
)

S = 1_000_000


def at(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * S)


def trial(start: float, end: float | None, state: str | None = "success", *,
          deferrals: Iterable[tuple[float, float | None]] = (), **instants: float) -> Attempt:
    stretches = tuple((at(a), at(b)) for a, b in deferrals)
    return Attempt(at(start), at(end), state, stretches,  # type: ignore[arg-type]
                   **{name: at(value) for name, value in instants.items()})  # type: ignore[arg-type]


def ran(task_id: str, start: float, end: float | None, state: str | None = "success", *,
        index: int = -1, **more: Any) -> Instance:
    return Instance(task_id, index, state, at(end), (trial(start, end, state),), **more)


def tries(task_id: str, *attempts: Attempt, state: str | None = "success", end: float | None,
          **more: Any) -> Instance:
    return Instance(task_id, -1, state, at(end), attempts, **more)


def idle(task_id: str, state: str | None, stamp: float | None, *, index: int = -1) -> Instance:
    return Instance(task_id, index, state, at(stamp))


def run(tasks: Iterable[Task], *instances: Instance, start: float | None = 0,
        end: float | None = 100, observed: float = 1000, state: str = "success",
        previous: PreviousRun | None = None) -> Run:
    structure = {t.task_id: t for t in tasks}
    return Run(state, at(start), at(end), observed * S, instances,  # type: ignore[arg-type]
               {"": structure} if structure else {}, previous)


def chain(*names: str, **last: Any) -> list[Task]:
    """a -> b -> c; `last` are options of the last one."""
    tasks = [Task(n, names[max(0, i - 1):i], depth=i) for i, n in enumerate(names)]
    return [*tasks[:-1], replace(tasks[-1], **last)]


def fan(*names: str, into: str = "x", **options: Any) -> list[Task]:
    """Every name -> x."""
    return [*(Task(n) for n in names), Task(into, names, depth=1, **options)]


def names(path: Path | None) -> list[Any]:
    """Task ids of the steps; with the index where mapped."""
    assert path is not None
    return [s.task_id if s.map_index < 0 else (s.task_id, s.map_index) for s in path.steps]


def terms(path: Path | None) -> dict[str, float]:
    """The terms that are not zero."""
    assert path is not None
    assert path.lead + path.terms.total + path.tail == path.wall
    return {k.removesuffix("_seconds"): v for k, v in path.seconds().items() if v}


def step(path: Path | None, number: int) -> dict[str, float]:
    assert path is not None
    spent = path.steps[number - 1].terms
    found = {n: getattr(spent, n) / S
             for n in ("running", "retry_wait", "deferred", "external_wait", "handoff")}
    return {k: v for k, v in found.items() if v}


# --- section 1: the window and what ran --------------------------------------------------------

def test_a_chain_tiles_the_run() -> None:
    path = observed_path(run(chain("a", "b"), ran("a", 5, 20), ran("b", 23, 60)))
    assert names(path) == ["a", "b"]
    assert terms(path) == {"lead": 5, "running": 52, "handoff": 3, "tail": 40}
    assert step(path, 2) == {"handoff": 3, "running": 37}


def test_a_running_run_ends_when_it_was_last_read() -> None:
    going = ran("a", 10, None, "running")
    path = observed_path(run([Task("a")], going, end=None, observed=70, state="running"))
    assert terms(path) == {"lead": 10, "running": 60}


def test_a_run_that_never_started_has_no_time() -> None:
    path = observed_path(run([Task("a")], idle("a", None, None), start=None, end=None))
    assert path is not None
    assert (path.wall, path.steps, terms(path)) == (0, (), {})


def test_a_run_never_ends_before_it_starts() -> None:
    path = observed_path(run([Task("a")], ran("a", 5, 20), start=50, end=10))
    assert path is not None
    assert (path.wall, names(path), terms(path)) == (0, ["a"], {})


def test_without_a_dated_instance_all_is_lead() -> None:
    path = observed_path(run(chain("a", "b"), idle("a", None, None), idle("b", "removed", None)))
    assert (names(path), terms(path)) == ([], {"lead": 100})


def test_an_end_that_was_never_recorded_is_the_end_of_the_run() -> None:
    unended = Instance("a", -1, "failed", None, (trial(10, None, "failed"),))
    assert terms(observed_path(run([Task("a")], unended))) == {"lead": 10, "running": 90}


def test_a_lost_task_ends_when_it_was_last_seen() -> None:
    lost = tries("a", trial(10, 90, "failed", last_seen_at=15), state="failed", end=90)
    path = observed_path(run([Task("a"), Task("b")], lost, ran("b", 0, 50)))
    assert names(path) == ["b"]
    path = observed_path(run([Task("a")], lost, state="failed"), "failure")
    assert terms(path) == {"lead": 10, "running": 5, "tail": 85}


def test_what_never_ran_is_walked_through_and_not_listed() -> None:
    skipped = idle("b", "skipped", 30)
    path = observed_path(run(chain("a", "b", "c", trigger_rule="none_failed"),
                             ran("a", 0, 20), skipped, ran("c", 40, 100)))
    assert names(path) == ["a", "c"]
    assert step(path, 2) == {"handoff": 20, "running": 60}


def test_without_a_stamp_the_upstreams_tell_when_it_ended() -> None:
    # the placeholder of a task mapped over nothing has no dates; neither has what is behind it
    tasks = [*chain("a", "none", "more"), Task("x", ("more", "b"), "none_failed", depth=3),
             Task("b")]
    path = observed_path(run(tasks, ran("a", 0, 50), idle("none", "skipped", None),
                             idle("more", "skipped", None), ran("b", 0, 40), ran("x", 60, 100)))
    assert names(path) == ["a", "x"]


def test_what_has_not_ended_gates_nobody() -> None:
    path = observed_path(run(fan("a", "b", trigger_rule="one_done"),
                             ran("a", 0, 50), idle("b", None, None), ran("x", 60, 100)))
    assert names(path) == ["a", "x"]


# --- section 3: gates --------------------------------------------------------------------------

@pytest.mark.parametrize("rule", ["all_success", "all_done", "none_failed", "all_skipped",
                                  "all_done_setup_success", "none_failed_min_one_success"])
def test_most_rules_wait_for_the_latest(rule: str) -> None:
    path = observed_path(run(fan("a", "b", trigger_rule=rule),
                             ran("a", 0, 50), ran("b", 0, 40), ran("x", 60, 100)))
    assert names(path) == ["a", "x"]


@pytest.mark.parametrize(("rule", "gate"), [
    ("one_success", "late_success"), ("one_failed", "early_failed"), ("one_done", "early_failed"),
    ("always", None), ("dummy", None)])
def test_rules_that_do_not_wait_for_all(rule: str, gate: str | None) -> None:
    path = observed_path(run(
        fan("skipped", "early_failed", "late_success", "last", trigger_rule=rule),
        ran("skipped", 0, 1, "skipped"), ran("early_failed", 0, 10, "failed"),
        ran("late_success", 0, 20), ran("last", 0, 30), ran("x", 60, 100)))
    assert names(path) == ([gate] if gate else []) + ["x"]


def test_one_failed_counts_what_failed_upstream() -> None:
    path = observed_path(run(
        [*chain("a", "b"), Task("c"), Task("x", ("b", "c"), "one_failed", depth=2)],
        ran("a", 0, 10, "failed"), idle("b", "upstream_failed", 11), ran("c", 0, 30, "failed"),
        ran("x", 60, 100)))
    assert names(path) == ["a", "x"]


def test_upstream_failed_at_the_first_failure() -> None:
    tasks = fan("early", "late", "fine")
    instances = [ran("early", 0, 10, "failed"), ran("late", 0, 20, "failed"), ran("fine", 0, 30),
                 idle("x", "upstream_failed", 31)]
    assert names(observed_path(run(tasks, *instances))) == ["early"]
    instances[0], instances[1] = ran("early", 0, 10), ran("late", 0, 20)   # marked afterwards
    assert names(observed_path(run(tasks, *instances))) == ["fine"]


def test_skipped_by_a_branch_ends_with_the_branch() -> None:
    # stamped a moment before the branch ended; `other` is longer done
    tasks = [Task("branch"), Task("other"), Task("x", ("branch", "other"), depth=1),
             Task("join", ("x",), "none_failed", depth=2)]
    path = observed_path(run(tasks, ran("branch", 0, 30), ran("other", 0, 29), ran("join", 31, 100),
                             idle("x", "skipped", 29.9)))
    assert names(path) == ["branch", "join"]
    assert step(path, 2) == {"handoff": 1, "running": 69}


def test_of_several_that_were_running_the_first_to_end_is_the_branch() -> None:
    path = observed_path(run(fan("a", "b"), ran("a", 0, 30), ran("b", 0, 31),
                             idle("x", "skipped", 29)))
    assert names(path) == ["b"]     # the last to end of all; x is not on it
    tasks = [*fan("a", "b"), Task("y", ("x",), depth=2, trigger_rule="always")]
    path = observed_path(run(tasks, ran("a", 0, 30), ran("b", 0, 30.5), ran("y", 40, 100),
                             idle("x", "skipped", 29)))
    assert names(path) == ["y"]
    joined = [*fan("a", "b"), Task("y", ("x",), depth=2, trigger_rule="all_done")]
    path = observed_path(run(joined, ran("a", 0, 30), ran("b", 0, 30.5), ran("y", 40, 100),
                             idle("x", "skipped", 29)))
    assert names(path) == ["a", "y"]


def test_a_skip_that_was_handed_on_comes_before_a_branch() -> None:
    # b was skipped at 10 and x right after it, while a was still running
    tasks = [Task("a"), Task("c"), Task("b", ("c",), depth=1), Task("x", ("a", "b"), depth=2),
             Task("y", ("x",), "all_done", depth=3)]
    instances = [ran("a", 0, 50), ran("c", 0, 9, "skipped"), idle("b", "skipped", 10),
                 idle("x", "skipped", 10.5), ran("y", 60, 100)]
    assert names(observed_path(run(tasks, *instances))) == ["c", "y"]
    # stamped at the same instant: a short circuit that skipped all at once
    instances[3] = idle("x", "skipped", 10)
    assert names(observed_path(run(tasks, *instances))) == ["a", "y"]
    # and nobody was running: the skip after all
    instances[0] = ran("a", 0, 8)
    assert names(observed_path(run(tasks, *instances))) == ["c", "y"]


def test_skipped_under_another_rule_waits_for_the_branch_or_for_all() -> None:
    tasks = [Task("a"), Task("b"), Task("x", ("a", "b"), "none_failed", depth=1)]
    path = observed_path(run(tasks, idle("a", "skipped", 5), ran("b", 0, 30),
                             idle("x", "skipped", 100)))
    assert names(path) == ["b"]


def test_ties_go_deeper_then_to_the_smaller_name_then_to_the_lower_index() -> None:
    tasks = [Task("a"), Task("root"), Task("deep", ("root",), depth=1), Task("m"),
             Task("x", ("a", "deep", "m"), depth=2)]
    every = [ran("root", 0, 5), ran("m", 0, 50, index=1), ran("m", 0, 50, index=0),
             ran("x", 60, 100)]
    deep, a = ran("deep", 6, 50), ran("a", 0, 50)
    assert names(observed_path(run(tasks, *every, deep, a))) == ["root", "deep", "x"]
    assert names(observed_path(run(tasks, *every, a))) == ["a", "x"]
    assert names(observed_path(run(tasks, *every))) == [("m", 0), "x"]
    early = [replace(t, trigger_rule="one_success") if t.task_id == "x" else t for t in tasks]
    assert names(observed_path(run(early, *every[1:], deep, a))) == ["deep", "x"]


def test_index_waits_for_index_inside_a_mapped_group_only() -> None:
    tasks = [Task("g.a", mapped_group="g"), Task("g.b", ("g.a",), depth=1, mapped_group="g"),
             Task("out", ("g.a",), depth=1)]
    instances = [ran("g.a", 0, 10, index=0), ran("g.a", 0, 40, index=1),
                 ran("g.b", 11, 100, index=0), ran("g.b", 41, 60, index=1)]
    assert names(observed_path(run(tasks, *instances))) == [("g.a", 0), ("g.b", 0)]
    path = observed_path(run(tasks, *instances[:2], ran("out", 50, 100)))
    assert names(path) == [("g.a", 1), "out"]


def test_each_instance_has_the_upstreams_of_its_own_version() -> None:
    old = {"a": Task("a"), "b": Task("b"), "x": Task("x", ("a",), depth=1)}
    new = old | {"x": Task("x", ("b",), depth=1)}
    instances = (ran("a", 0, 50), ran("b", 0, 40), ran("x", 60, 100, version="new"))
    first = tuple(replace(i, version=i.version or "old") for i in instances)
    versioned = Run("success", 0, 100 * S, 0, first, {"old": old, "new": new})
    assert names(observed_path(versioned)) == ["b", "x"]


PAST = PreviousRun("yesterday", (ran("x", -50, 30), ran("after", 31, 45)))


@pytest.mark.parametrize(("options", "upstream_end", "gate", "past"), [
    ({"depends_on_past": True}, 20, "yesterday", 30), ({"depends_on_past": True}, 30, None, 0),
    ({"depends_on_past": True, "wait_for_downstream": True}, 40, "yesterday", 45),
    ({"wait_for_downstream": True}, 46, None, 0), ({}, 20, None, 0)])
def test_depends_on_past(options: dict[str, bool], upstream_end: float, gate: str | None,
                         past: float) -> None:
    tasks = [*chain("a", "x", **options), Task("after", ("x",), depth=2)]
    instances = [ran("a", 0, upstream_end), ran("x", 60, 100)]
    path = observed_path(run(tasks, *instances, previous=PAST))
    assert path is not None
    assert names(path) == (["x"] if gate else ["a", "x"])
    assert path.steps[-1].gated_by_run_id == gate
    assert path.steps[-1].first_wait.past_run_wait == past * S
    assert names(observed_path(run(tasks, *instances))) == ["a", "x"]     # the first run


def test_a_previous_run_that_was_done_before_this_one_began_gates_nothing() -> None:
    tasks = [Task("x", depends_on_past=True)]
    path = observed_path(run(tasks, ran("x", 60, 100), start=30, previous=PAST))
    assert path is not None
    assert path.steps[0].gated_by_run_id is None


def test_without_a_structure_the_last_end_before_the_start_is_the_gate() -> None:
    instances = [ran("d", 61, 100), ran("b", 21, 60), ran("c", 0, 20), ran("a", 0, 62),
                 idle("z", "skipped", 60.5)]
    path = observed_path(run([], *instances))
    assert names(path) == ["c", "b", "d"]
    assert names(observed_path(run([], ran("b", 5, 5), ran("a", 5, 5)))) == ["a"]
    assert names(observed_path(run([], ran("b", 9, 9), ran("a", 5, 5)))) == ["a", "b"]


# --- section 4: the walk -----------------------------------------------------------------------

def test_the_failed_path_starts_at_the_last_failure() -> None:
    tasks = [*chain("a", "bad"), Task("fine")]
    instances = [ran("a", 0, 10), ran("bad", 12, 30, "failed"), ran("fine", 0, 90)]
    failed = run(tasks, *instances, state="failed")
    assert names(observed_path(failed)) == ["fine"]
    assert names(observed_path(failed, "failure")) == ["a", "bad"]
    assert terms(observed_path(failed, "failure")) == {"running": 28, "handoff": 2, "tail": 70}
    assert observed_path(replace(failed, state="success"), "failure") is None
    assert observed_path(run(tasks, instances[0], state="failed"), "failure") is None


def test_removed_instances_never_start_a_path_and_are_walked_through() -> None:
    tasks = chain("a", "gone", "c")
    gone = ran("gone", 11, 50, "removed")
    path = observed_path(run(tasks, ran("a", 0, 10), gone, idle("c", None, None)))
    assert names(path) == ["a"]
    path = observed_path(run(tasks, ran("a", 0, 10), gone, ran("c", 55, 100)))
    assert names(path) == ["a", "c"]
    assert step(path, 2) == {"handoff": 45, "running": 45}


def test_tries_of_an_earlier_pass_do_not_make_a_verdict_of_the_scheduler_a_run() -> None:
    # a, b and c ran, were cleared, and now a failed or a branch chose otherwise
    tasks = chain("a", "b", "c", trigger_rule="all_done")
    a = tries("a", trial(0, 10), trial(50, 60, "failed"), state="failed", end=60)
    c = ran("c", 70, 100)
    for b in (tries("b", trial(11, 20), state="upstream_failed", end=61),
              tries("b", trial(11, 20), state="skipped", end=61, was_skipped_by_scheduler=True)):
        assert names(observed_path(run(tasks, a, b, c))) == ["a", "c"]


# --- section 5: the tiles ----------------------------------------------------------------------

def test_retries_deferrals_and_sensors() -> None:
    again = tries("a", trial(5, 10, "failed"), trial(40, 50), end=50)
    assert terms(observed_path(run([Task("a")], again))) == {
        "lead": 5, "running": 15, "retry_wait": 30, "tail": 50}
    deferring = trial(5, 50, deferrals=[(10, 20), (30, 45)])
    away = tries("a", deferring, end=50)
    assert terms(observed_path(run([Task("a")], away))) == {
        "lead": 5, "running": 20, "deferred": 25, "tail": 50}
    sensor = replace(away, is_external=True)
    assert terms(observed_path(run([Task("a")], sensor))) == {
        "lead": 5, "external_wait": 45, "tail": 50}
    cleared = tries("a", trial(5, 10), trial(40, 50), end=50)
    assert terms(observed_path(run([Task("a")], cleared))) == {
        "lead": 35, "running": 15, "tail": 50}


def test_an_open_instance_between_two_tries_and_one_that_is_still_deferred() -> None:
    waiting = tries("a", trial(5, 10, "failed"), state="up_for_retry", end=10)
    path = observed_path(run([Task("a")], waiting, end=None, observed=60, state="running"))
    assert terms(path) == {"lead": 5, "running": 5, "retry_wait": 50}
    deferring = trial(5, None, "deferred", deferrals=[(10, None)])
    away = tries("a", deferring, state="deferred", end=None)
    path = observed_path(run([Task("a")], away, end=None, observed=60, state="running"))
    assert terms(path) == {"lead": 5, "running": 5, "deferred": 50}


def test_a_deferral_that_nothing_recorded_is_handoff() -> None:
    again = tries("a", trial(5, 50, queued_at=30), end=50)
    assert terms(observed_path(run([Task("a")], again))) == {"lead": 30, "running": 20, "tail": 50}
    path = observed_path(run(chain("z", "a"), ran("z", 0, 3), again, end=50))
    assert step(path, 2) == {"handoff": 27, "running": 20}
    assert path.steps[1].first_wait.startup_wait == 0  # type: ignore[union-attr]
    known = tries("a", trial(5, 50, queued_at=30, deferrals=[(10, 32)]), end=50)
    assert terms(observed_path(run([Task("a")], known))) == {
        "lead": 5, "running": 23, "deferred": 22, "tail": 50}
    sensor = replace(again, is_external=True)
    assert terms(observed_path(run([Task("a")], sensor))) == {
        "lead": 5, "external_wait": 45, "tail": 50}


def test_attempts_of_an_earlier_pass_do_not_count_again() -> None:
    # a and b ran, both were cleared and ran again
    a = tries("a", trial(0, 10), trial(50, 60), end=60)
    b = tries("b", trial(11, 20), trial(61, 90), end=90)
    path = observed_path(run(chain("a", "b"), a, b))
    assert [step(path, n) for n in (1, 2)] == [{"handoff": 40, "running": 20},
                                               {"handoff": 1, "running": 29}]


def test_a_step_that_began_before_its_gate_ended_cuts_the_gate() -> None:
    path = observed_path(run(chain("a", "b", "c"), ran("a", 0, 50), ran("b", 30, 60),
                             ran("c", 20, 100)))
    assert [(s.begins_at // S, s.ends_at // S) for s in path.steps] == [  # type: ignore[union-attr]
        (0, 20), (20, 20), (20, 100)]
    assert terms(path) == {"running": 100}


def test_one_that_was_all_over_before_its_gate_ended() -> None:
    path = observed_path(run(chain("a", "b"), ran("a", 10, 50), ran("b", 20, 30)))
    assert names(path) == ["a"]
    done = [ran("a", 10, 50), ran("b", 20, 30)]
    path = observed_path(run([*chain("a", "b"), Task("c", ("b",), depth=2)], *done,
                             ran("c", 60, 100)))
    assert [step(path, n) for n in (1, 2, 3)] == [
        {"handoff": 10, "running": 10}, {"running": 10}, {"handoff": 30, "running": 40}]


def test_what_lies_outside_the_run_is_cut() -> None:
    path = observed_path(run(chain("a", "b"), ran("a", -20, -10), ran("b", 5, 150)))
    assert terms(path) == {"handoff": 5, "running": 95}
    assert step(path, 1) == {}


def test_attempts_that_overlap_are_cut_and_flagged() -> None:
    odd = tries("a", trial(0, 20, "failed"), trial(15, 18, "failed"), trial(19, 40), end=40)
    path = observed_path(run([Task("a")], odd, end=40))
    assert path is not None
    assert (terms(path), path.steps[0].has_clock_skew) == ({"running": 40}, True)


# --- section 6: the first wait -----------------------------------------------------------------

@pytest.mark.parametrize(("attempt", "more", "expected"), [
    (trial(60, 100, queued_at=50, scheduled_at=40), {}, (0, 30, 10, True)),
    (trial(60, 100, queued_at=70), {}, (0, 40, 0, False)),
    (trial(60, 100, queued_at=10), {}, (0, 0, 40, False)),
    (trial(60, 100), {}, (0, None, None, False)),
    (trial(60, 60), {"is_scheduler_run": True}, (0, 40, 0, False))])
def test_the_split_of_the_first_wait(attempt: Attempt, more: dict[str, Any],
                                     expected: tuple[Any, ...]) -> None:
    x = Instance("x", -1, "success", attempt.ended_at, (attempt,), **more)
    path = observed_path(run(chain("a", "x"), ran("a", 0, 20), x))
    wait = path.steps[-1].first_wait  # type: ignore[union-attr]
    parts = (wait.past_run_wait, wait.before_queue_wait, wait.startup_wait)
    assert (*(None if p is None else p / S for p in parts), wait.is_recorded) == expected


# --- the identity ------------------------------------------------------------------------------

INSTANTS = st.integers(-5, 25) | st.none()
STATES = st.sampled_from(["success", "failed", "skipped", "upstream_failed", "removed", "running",
                          "up_for_retry", "deferred", None])
ATTEMPTS = st.builds(
    trial, st.integers(-5, 25), INSTANTS, STATES,
    deferrals=st.lists(st.tuples(st.integers(-5, 25), INSTANTS), max_size=2),
    queued_at=st.integers(-5, 25))
RULES = st.sampled_from(["all_success", "one_success", "one_failed", "one_done", "always",
                         "none_skipped", "none_failed", "all_done"])


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Any run at all, as impossible as it may be."""
    count = draw(st.integers(0, 6))
    tasks = [Task(f"t{n}", tuple(f"t{u}" for u in range(n) if draw(st.booleans())), draw(RULES),
                  depth=n, depends_on_past=draw(st.booleans()),
                  wait_for_downstream=draw(st.booleans()))
             for n in range(count)]
    def instances() -> list[Instance]:
        return [Instance(f"t{n}", i, draw(STATES), at(draw(INSTANTS)),
                         tuple(draw(st.lists(ATTEMPTS, max_size=3))), "",
                         is_external=draw(st.booleans()))
                for n in range(count) for i in range(draw(st.integers(0, 2)))]
    previous = PreviousRun("before", tuple(instances())) if draw(st.booleans()) else None
    return run(tasks if draw(st.booleans()) else [], *instances(), start=draw(INSTANTS),
               end=draw(INSTANTS), observed=draw(st.integers(-5, 25)),
               state=draw(st.sampled_from(["success", "failed"])), previous=previous)


@given(runs())
@settings(max_examples=300, deadline=None)
def test_every_path_tiles_its_run(any_run: Run) -> None:
    for kind in ("finish", "failure"):
        path = observed_path(any_run, kind)  # type: ignore[arg-type]
        if path is None:
            continue
        assert path.lead + path.terms.total + path.tail == path.wall
        assert min([path.lead, path.tail, *path.seconds().values()]) >= 0
        start = any_run.window[0]
        for each in path.steps:
            assert each.begins_at == start
            assert each.ends_at - each.begins_at == each.terms.total
            wait = each.first_wait
            parts = [wait.past_run_wait, wait.before_queue_wait, wait.startup_wait]
            assert all(p is None or 0 <= p <= each.terms.total for p in parts)
            start = each.ends_at


def test_instants_are_whole_microseconds() -> None:
    moment = datetime(2026, 11, 22, 5, 44, 7, 123457, tzinfo=UTC)
    assert microseconds(moment) == microseconds(moment.replace(tzinfo=None)) == 1795326247123457
