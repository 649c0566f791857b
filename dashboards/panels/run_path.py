"""The bar of a run and the waterfall of its path: the same slices, summed and in their order.

    slices  ->  bar (parts, left to right) + equation  ·  waterfall (a row a step, where it lay)

Widths are shares of the run's wall time, so both fill it exactly. HTML, so that steps are links
and a screen reader gets the durations.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards import format as fmt
from dashboards import html_tables
from dashboards.markup import Markup, joined, write
from dashboards.panels import run_sentence
from dashboards.panels.run_data import SHOWN, Subject
from dashboards.panels.run_terms import (
    LEAD,
    MICRO,
    TERMS,
    Part,
    Row,
    Slice,
    Term,
    of_step,
    parts,
    work,
)

BASES = {"recorded": "", "same_hash": "", "nearest": "structure of the nearest version seen",
         "inferred": "structure inferred from time order"}
LEAST_WIDTH = 8.0       # percent of the bar from which a word fits into a segment


def percent_of(length: int, total: int) -> str:
    """A width for CSS."""
    return f"{100 * length / total:.4f}%" if total else "0%"


def bar(found: Sequence[Slice]) -> Markup:
    """One stacked bar that fills the run's wall time, and its equation in words."""
    pieces = parts(found)
    total = sum(part.length for part in pieces)
    if not total:
        return Markup("")
    segments = Markup("".join(_segment(part, total) for part in pieces))
    return write('<div class="ws-bar" role="img" aria-label="{label}">{segments}</div>'
                 '<div class="ws-equation">{equation}</div>', segments=segments,
                 label=", ".join(f"{p.word} {fmt.duration(p.seconds)}" for p in pieces),
                 equation=equation(pieces, found))


def _segment(part: Part, total: int) -> Markup:
    fits = 100 * part.length / total >= LEAST_WIDTH
    held = write('<i class="ws-term-limit" style="width:{width}"></i>',
                 width=Markup(percent_of(part.of_limits, part.length))) if part.of_limits else ""
    return write('<span class="ws-seg ws-term-{key}" style="width:{width}" title="{word} '
                 '{took}{of_limits}: {meaning}">{held}<span>{inside}</span></span>', key=part.key,
                 width=Markup(percent_of(part.length, total)), word=part.word, held=held,
                 took=fmt.duration(part.seconds), of_limits=_of_limits(part),
                 meaning=part.meaning, inside=fmt.duration(part.seconds) if fits else "")


def _of_limits(part: Part) -> str:
    """How much of the lead was a limit's fault."""
    if not part.of_limits:
        return ""
    return f" ({fmt.duration(part.of_limits / MICRO)} of it waiting for a limit)"


def equation(pieces: Sequence[Part], found: Sequence[Slice]) -> Markup:
    """`lead 2 m + running 3 h 20 m + … = 5 h 02 m · work on the path 3 h 20 m`."""
    total = sum(part.length for part in pieces)
    terms = joined([write('<span class="ws-part" title="{meaning}, {exact} s"><i class="ws-swatch '
                          'ws-term-{key}"></i>{word} <b>{took}</b>{of_limits}</span>', key=part.key,
                          word=part.word, meaning=part.meaning, exact=f"{part.seconds:,.3f}",
                          of_limits=_of_limits(part), took=fmt.duration(part.seconds))
                    for part in pieces], " + ")
    return write('{terms} = <b>{total}</b> <span class="ws-quiet">· work on the path {work}'
                 "</span>", terms=terms, total=fmt.duration(total / MICRO),
                 work=fmt.duration(work(found)) or "0 s")


def waterfall(subject: Subject, kind: str, chosen: tuple[str, int] | None) -> Markup:
    """A row a step: where in the run it lay, what it waited for, how long it ran."""
    found = subject.slices(kind)
    steps = subject.steps(kind)
    total = sum(one.length for one in found)
    rows: list[dict[str, Any]] = [
        {**step, "slices": of_step(found, step["step_number"])} for step in steps[:SHOWN]]
    loose = of_step(found, 0)
    if loose:
        rows.append({"step_number": None, "task_id": None, "map_index": -1, "slices": loose})
    return html_tables.table(
        rows, _columns(subject, total, kind), label="Steps of the path, each where it lay",
        chosen=lambda row: chosen == (row["task_id"], row["map_index"]))


def _columns(subject: Subject, total: int, kind: str) -> list[html_tables.Column]:
    column = html_tables.Column
    return [
        column("Task", lambda r: _task(subject, r, kind)),
        column("When in the run", lambda r: fall(r["slices"], total), width="24rem",
               hint="From the run's start to its end"),
        column("Waited", lambda r: _waited(r["slices"]), "right",
               hint="On the path, before it ran or between its tries"),
        column("Ran", lambda r: _sum(r["slices"], ("running",)), "right"),
        column("Usually", lambda r: _usual(subject, r), "right",
               hint="Median of its latest 30 successes"),
        column("What it waited for", lambda r: causes(r["slices"])
               if r["task_id"] is not None else ""),
        column("Notes", _notes),
    ]


def _task(subject: Subject, row: Row, kind: str) -> object:
    if row["task_id"] is None:
        return write('<span class="ws-quiet">{word}</span>', word=TERMS[row["slices"][0].term].word)
    return write('<span class="ws-quiet">{number}</span> {link}', number=row["step_number"],
                 link=subject.task_link(row["task_id"], row["map_index"],
                                        path=kind if kind != "finish" else None))


def fall(found: Sequence[Slice], total: int) -> Markup:
    """The slices of a step where they lay in the run."""
    inner = Markup("".join(
        write('<span class="ws-seg ws-term-{key}" style="left:{left};width:{width}" '
              'title="{word} {took}, {at} after the run\'s start"></span>',
              key="lead" if one.is_lead and one.term != "limit" else one.term,
              left=Markup(percent_of(one.begin, total)),
              width=Markup(percent_of(one.length, total)), word=_word(one),
              took=fmt.duration(one.seconds), at=fmt.duration(one.begin / MICRO) or "0 s")
        for one in found))
    return write('<span class="ws-fall">{inner}</span>', inner=inner)


def _word(one: Slice) -> str:
    known: Term = TERMS[one.term]
    if one.term == "limit" and one.limited_by:
        return f"waiting for {one.limited_by}"
    return f"{LEAD.word}, {known.word}" if one.is_lead else known.word


def _sum(found: Sequence[Slice], terms: Sequence[str]) -> Markup | str:
    chosen = [one for one in found if one.term in terms]
    seconds = sum(one.length for one in chosen) / MICRO
    if not chosen:
        return ""
    return write('<span title="{exact} s">{text}</span>', exact=f"{seconds:,.3f}",
                 text=fmt.duration(seconds))


def _waited(found: Sequence[Slice]) -> Markup | str:
    return _sum(found, [term for term, known in TERMS.items() if known.is_wait])


def causes(found: Sequence[Slice]) -> Markup:
    """What a step waited for, the longest first; under a hundredth of its waits is not named."""
    waits = sorted((one for one in found if TERMS[one.term].is_wait), key=lambda one: -one.length)
    least = sum(one.length for one in waits) / 100
    return joined([
        write("{what} {took}", took=fmt.duration(one.seconds), what=run_sentence.limit_name(
            one.limited_by) if one.term == "limit" and one.limited_by else _cause(one))
        for one in waits if one.length > least])


def _cause(one: Slice) -> str:
    return TERMS[one.term].word.removeprefix("waiting for ").removeprefix("waiting, ")


def _usual(subject: Subject, row: Mapping[str, Any]) -> Markup | str:
    usual = subject.usual_tasks.get(row["task_id"] or "")
    if not usual or usual["median_seconds"] is None:
        return ""
    return write('<span title="{basis}">{text}</span>', basis=run_sentence.basis(usual),
                 text=fmt.duration(usual["median_seconds"]))


def _notes(row: Row) -> Markup:
    """What makes a step's numbers less certain, each in a word, the reason on hover."""
    if row["task_id"] is None:
        return Markup("")
    said = {
        "waits inferred": row["waits_basis"] == "inferred"
        and "This release does not record when a task became ready: what was limits' fault is "
        "rebuilt from what held them",
        BASES.get(row["structure_basis"] or "", ""): "Its predecessor was found without the "
        "structure of its own version",
        "missing tries": row["has_missing_tries"]
        and "It was tried more often than is recorded; those tries count as waiting",
        "clock skew": row["has_clock_skew"] and "Its tries overlapped, and were cut",
        "lost": row["was_lost"] and "Its process died unseen; its end is the last sign of life",
        "deferral unknown": row["has_unknown_deferral"]
        and "No event says when it was deferred: that time is waiting",
    }
    return joined([write('<span class="ws-chip" title="{why}">{word}</span>', why=why, word=word)
                   for word, why in said.items() if word and why], " ")


def choice(subject: Subject, kind: str, words: Mapping[str, str]) -> Markup:
    """Links to the paths of the run, the shown one marked."""
    return joined([
        write('<span class="ws-chip" data-chosen="{is_it}">{link}</span>',
              is_it="true" if one == kind else "false", link=subject.link(words[one], path=one))
        for one in subject.path_kinds], " ")
