"""Figure `search`: how long a typed text takes on 20,000 DAGs and 150,000 tasks.

    made-up names -> a snapshot with dim_search_entries -> texts, each once -> p50, p95

Alone: `python -m bench search`. Time is the server's: queries and what is made of their rows, for
the box on every page (eight hits) and for Discover (sentence, a hundred hits, its table). On a busy
machine read `cpu_p95`, the work of all threads.
The names are made up and worth nothing but their number and likeness to names: no page shows them.
"""

import logging
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from bench.measuring import Figure, figure
from dashboards import data, frame, search_box
from dashboards.panels import discover_answer, discover_filters, discover_hits
from dashboards.settings import Settings
from tests.views.snapshots import publish
from windsock.warehouse import Layout

DAGS, TASKS, CLUSTERS, TEXTS = 20_000, 150_000, 15, 300
GOAL = "p95 < 150 ms"
NOW = datetime.fromisoformat("2026-01-31T12:00")    # "now" of the rows, in UTC



def _words(text: str) -> list[str]:
    return text.split()


_TEAMS = _words(
    "ads search feed pins users growth billing finance risk fraud ml ranking embeddings "
    "content safety spam shopping catalog merchant video notifications email push metrics "
    "experiments infra platform data_quality privacy legal hr sales crm support partner seo "
    "homefeed boards related_pins visual")
_THINGS = _words(
    "orders clicks impressions sessions events accounts invoices payments refunds campaigns "
    "budgets bids auctions features labels vectors models scores candidates images videos "
    "queries keywords reports devices snapshots dimensions facts partitions audiences churn "
    "segments cohorts funnels retention revenue costs ledger tax shipments inventory prices "
    "products merchants feeds emails")
_DEEDS = _words(
    "load build train score export import aggregate rollup backfill sync compact dedupe "
    "enrich join validate publish reconcile report ingest transform clean archive copy "
    "wait_for check notify")
_ENDS = _words("hourly daily weekly monthly 15min realtime adhoc v2 v3 us eu apac")


def _names(chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Cluster, DAG, task (empty: the DAG itself)."""
    dags: dict[tuple[str, str], None] = {}
    while len(dags) < DAGS:
        words = [chance.choice(_TEAMS), *chance.sample(_THINGS, chance.randint(1, 2)),
                 chance.choice(_DEEDS)]
        words += [chance.choice(_ENDS)] if chance.random() < 0.8 else []
        words += [str(chance.randrange(1000))] if chance.random() < 0.3 else []
        dags[f"prod-{chance.randrange(CLUSTERS)}", chance.choice("___-.").join(words)] = None
    yield from ((cluster, dag, "") for cluster, dag in dags)
    places, tasks = list(dags), set[tuple[str, str, str]]()
    while len(tasks) < TASKS:
        name = f"{chance.choice(_DEEDS)}_{chance.choice(_THINGS)}"
        name += f"_{chance.choice(_ENDS)}" if chance.random() < 0.4 else ""
        group = f"{chance.choice(_THINGS)}_group." if chance.random() < 0.3 else ""
        tasks.add((*chance.choice(places), group + name))
    yield from sorted(tasks)


def _fill(root: Path, names: list[tuple[str, str, str]]) -> None:
    """Publish a snapshot whose only full mart is the one that is searched."""
    publish(root, {"dim_clusters": [
        {"cluster": f"prod-{n}", "kind": "prod", "warnings": "[]", "is_frozen": False,
    "newest_row_at": NOW, "base_url": "https://airflow.example"} for n in range(CLUSTERS)]})
    rows = pl.DataFrame(names, schema=["cluster", "dag_id", "task_id"], orient="row")
    with duckdb.connect(str(next((root / "snapshots").glob("*.duckdb")))) as con:
        con.register("rows", rows.to_arrow())
        con.execute("""
            insert into marts.dim_search_entries by name
            select cluster, dag_id, task_id, if(task_id = '', 'dag', 'task') as entry_kind,
                if(task_id = '', dag_id, task_id) as entry_name, entry_name as display_name,
                lower(entry_name) as search_text,
                lower(dag_id || if(task_id = '', '', '.' || task_id)) as qualified_name,
                'prod' as cluster_kind, 'owner ' || hash(dag_id) % 300 as owner, [owner] as owners,
                'team ' || hash(dag_id) % 40 as team, (1 + hash(dag_id) % 4)::varchar as tier,
                ['tag ' || hash(dag_id) % 50] as tags, '10 12 * * *' as schedule,
                'cron' as schedule_kind, 'A DAG of the benchmark' as description,
                'run 14' as last_run_id, 'success' as last_run_state,
                $now - to_seconds((hash(dag_id) % 86400)::int) as last_run_started_at,
                60.0 as last_run_seconds, 55.0 as median_seconds, 30 as sample_count,
                if(task_id = '', list_transform(range(15), lambda n: {
                    'run_id': 'run ' || n, 'run_kind': 'scheduled', 'state': 'success',
                    'started_at': $now, 'duration_seconds': 60.0}), null) as latest_runs,
                $now as next_run_at, (hash(dag_id) % 5000)::bigint as run_count, 8 as task_count,
                true as is_current, true as is_active, false as is_paused,
                false as has_import_errors
            from rows""", {"now": NOW})


def _slip(chance: random.Random, word: str) -> str:
    at = chance.randrange(1, max(2, len(word) - 1))
    return chance.choice([
        word[:at] + word[at + 1:], word[:at] + word[at:at + 2][::-1] + word[at + 2:],
        word[:at] + "x" + word[at + 1:], word[:at] + word[at:at + 1] + word[at:]])


def _texts(chance: random.Random, names: list[tuple[str, str, str]]) -> list[str]:
    """What people type: beginnings, words, pasted names, names with slips; each once."""
    texts: dict[str, None] = {}
    while len(texts) < TEXTS:
        _cluster, dag, task = chance.choice(names)
        name = task or dag
        words = name.replace(".", "_").replace("-", "_").split("_")
        kinds = [
            name[:chance.randint(1, len(name))], f"{dag}.{task}".rstrip("."),
            " ".join(chance.sample(words, min(2, len(words)))), f"{dag.split('_')[0]} {words[-1]}",
            _slip(chance, chance.choice(words)), " ".join(_slip(chance, w) for w in words[:2]),
            chance.choice(words)[:chance.randint(1, 4)]]
        texts[chance.choice(kinds) or name] = None
    return list(texts)


def _discover(page: frame.Page, text: str) -> None:
    """What Discover does with a text, but for Streamlit's own part."""
    chosen = discover_filters.Narrowing({"q": text})
    answer = page.reader.row("search__answer", **chosen.parameters()) or {}
    discover_answer.sentence(chosen, answer)
    rows, _near = search_box.hits(page.reader, text, chosen.parameters(), row_limit=100)
    discover_hits.table(page, rows.to_dicts(), discover_hits.LIKELIEST, {"q": text}, label="Hits")


def _timed(name: str, run: Callable[[str], object], texts: list[str]) -> Iterator[Figure]:
    taken, worked = [], []
    for text in texts:
        begun, busy = time.perf_counter(), time.process_time()
        run(text)
        taken.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    cuts = quantiles(taken, n=100)
    load = round(os.getloadavg()[0], 1)
    yield figure(f"{name}_p50", cuts[49], "ms", "", len(taken))
    yield figure(f"{name}_p95", cuts[94], "ms", GOAL, len(taken), slowest=round(max(taken), 1),
                 slowest_text=texts[taken.index(max(taken))], machine_load=load,
                 cpu_p95=round(quantiles(worked, n=100)[94], 1))


def search() -> Iterator[Figure]:
    """Both figures on one made-up snapshot."""
    logging.getLogger("streamlit").setLevel(logging.ERROR)      # it misses its server
    chance = random.Random(7)  # noqa: S311 the same names each time
    with tempfile.TemporaryDirectory() as folder:
        root, names = Path(folder), list(_names(chance))
        _fill(root, names)
        reader = data.open_newest(Layout(root))
        assert reader is not None
        page = frame.Page(reader, Settings(Layout(root), timedelta(minutes=5)), ZoneInfo("UTC"),
                          "light", NOW)
        texts = _texts(chance, names)
        search_box.answer(reader, "warm", "light")
        yield from _timed("search_box", lambda text: search_box.answer(reader, text, "light"),
                          texts)
        data._answer.clear()
        yield from _timed("search_discover", lambda text: _discover(page, text), texts)


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"search": search}
