"""The command line: arguments in, one function called, an exit code out.

windsock up | demo | run | land | build | publish | rebuild | compact | replay | serve | sql | trace
    | doctor | grants
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from windsock import config as configuration
from windsock import logs
from windsock.arguments import add_demo, add_where, duration
from windsock.errors import ConfigError, WindsockError


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the `windsock` command.

    Returns:
        0 done, 1 something failed, 2 usage or configuration, 75 another run holds the lock.
    """
    parsed = _parser().parse_args(arguments)
    logs.start(verbose=parsed.verbose)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = parsed.action(parsed)
    except WindsockError as error:
        print(f"windsock: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 0 if parsed.command in ("up", "serve", "demo") else 130
    except BrokenPipeError:     # `windsock sql … | head`
        sys.stderr.close()
        return 0
    except OSError as error:
        print(  # noqa: T201
            f"windsock: {error}. Next: room on the disk? the right to write there? "
            "Then run it again: it repairs itself.", file=sys.stderr)
        return 1
    return code


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="windsock", description="Profiler, debugger and search engine for Apache Airflow."
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="windsock.toml (default: WINDSOCK_CONFIG, ./windsock.toml, the Airflow "
        "in AIRFLOW_HOME or ~/airflow, the bundled sample)",
    )
    parser.add_argument("--verbose", action="store_true", help="say more on stderr")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, action: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(action=action)
        return command

    up = add("up", _up, "land, build, publish, serve, and go on every minute")
    add_where(up)
    up.add_argument("--every", type=duration, default=timedelta(seconds=60), metavar="60s")
    add_demo(add("demo", _demo, "a made-up company in a folder of its own, served and kept alive"))
    run = add("run", _run, "land, build and publish: once, or every so often")
    run.add_argument("--every", type=duration, metavar="60s", help="again and again")
    run.add_argument(
        "--reconcile",
        choices=["recent", "month", "all"],
        help="compare with the source now, instead of when it is due",
    )
    land = add("land", _land, "copy what changed at the sources into archive and build file")
    land.add_argument(
        "--reconcile",
        choices=["recent", "month", "all"],
        help="compare with the source now, instead of when it is due",
    )
    build = add("build", _build, "run the models on what is landed")
    build.add_argument("--full-refresh", action="store_true", help="make every table anew")
    build.add_argument("--test", action="store_true", help="run the models' tests too")
    publish = add("publish", _publish, "publish what was built as a new generation")
    publish.add_argument("--seal", action="store_true", help="seal the history anew")
    add("rebuild", _rebuild, "make the whole warehouse again from the archive alone")
    add("compact", _compact, "merge the archive's files, let old runs expire; run does so daily")
    add("replay", _replay, "let quarantined batches try the gate again")
    serve = add("serve", _serve, "serve the dashboards in the foreground")
    add_where(serve)
    sql = add("sql", _sql, "run a query on the published snapshot")
    sql.add_argument("query")
    sql.add_argument("--format", choices=["table", "csv", "json"], default="table")
    trace = add("trace", _trace, "walk a column of a mart back to Airflow's own table")
    trace.add_argument("column", metavar="COLUMN",
                       help="such as marts.fct_dag_runs.running_seconds; a model lists its columns")
    add("doctor", _doctor, "check sources, disk, archive and warehouse")
    grants = add("grants", _grants, "print the least-privilege role for a cluster's database")
    grants.add_argument("--cluster", required=True, metavar="NAME")
    return parser


def _where(parsed: argparse.Namespace) -> Any:
    from windsock.serving import Where

    return Where(parsed.port, parsed.address, tuple(parsed.host), parsed.prefix, parsed.workers)


def _config(parsed: argparse.Namespace) -> configuration.Config:
    try:
        cwd = Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError(
            "The current folder does not exist any more.", next_step="cd to another one"
        ) from error
    config = configuration.load(parsed.config, environ=os.environ, cwd=cwd, home=Path.home())
    for warning in config.warnings:
        print(f"windsock: warning: {warning}", file=sys.stderr)  # noqa: T201
    return config


def _windsock(parsed: argparse.Namespace) -> Any:
    from windsock.commands import Windsock

    return Windsock(_config(parsed), getattr(parsed, "reconcile", None))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _up(parsed: argparse.Namespace) -> int:
    from windsock import serving

    serving.up(_windsock(parsed), _where(parsed), every=parsed.every, say=_say)
    return 0


def _demo(parsed: argparse.Namespace) -> int:
    from windsock import demo

    wish = demo.Wish(parsed.folder, parsed.size, parsed.seed, parsed.days, parsed.fresh)
    demo.run(wish, None if parsed.no_serve else _where(parsed), every=parsed.every, say=_say)
    return 0


def _run(parsed: argparse.Namespace) -> int:
    from windsock import commands

    windsock = _windsock(parsed)
    if parsed.every:
        commands.run_every(windsock, parsed.every, stop=lambda: False)
    return 0 if commands.cycle(windsock) else 1


def _land(parsed: argparse.Namespace) -> int:
    from windsock import commands
    from windsock.warehouse import writer_lock

    windsock = _windsock(parsed)
    with writer_lock(windsock.layout, "land"):
        return 0 if commands.land(windsock) else 1


def _build(parsed: argparse.Namespace) -> int:
    from windsock import commands
    from windsock.warehouse import writer_lock

    windsock = _windsock(parsed)
    with writer_lock(windsock.layout, "build"):
        commands.build(windsock, full_refresh=parsed.full_refresh, with_tests=parsed.test)
    return 0


def _publish(parsed: argparse.Namespace) -> int:
    from windsock import commands
    from windsock.warehouse import writer_lock

    windsock = _windsock(parsed)
    with writer_lock(windsock.layout, "publish"):
        commands.publish_marts(windsock, seal=parsed.seal)
    return 0


def _rebuild(parsed: argparse.Namespace) -> int:
    from windsock import commands

    commands.rebuild(_windsock(parsed))
    return 0


def _compact(parsed: argparse.Namespace) -> int:
    from windsock import commands

    report = commands.compact(_windsock(parsed))
    _say(f"{report.files_before} files ({report.bytes_before} bytes) merged into "
         f"{report.files_after} ({report.bytes_after} bytes)")
    return 0


def _replay(parsed: argparse.Namespace) -> int:
    from windsock import commands

    passed, kept = commands.replay(_windsock(parsed))
    _say(f"{passed} batches passed the gate, {kept} stay in quarantine.")
    return 0 if kept == 0 else 1


def _serve(parsed: argparse.Namespace) -> int:
    from windsock import serving

    where = _where(parsed)
    with serving.served(_windsock(parsed), where) as process:
        serving.wait_until_healthy(process, where)
        _say(f"Windsock is up: {where.url}  (Ctrl-C stops it)")
        return serving.wait_until_ended(process)


def _sql(parsed: argparse.Namespace) -> int:
    import duckdb

    from windsock.output import WRITERS
    from windsock.warehouse import open_snapshot

    con = open_snapshot(_windsock(parsed).layout)
    try:
        relation = con.sql(parsed.query)
        if relation is None:
            raise ConfigError(
                "The statement gives no rows.",
                expected="one SELECT",
                next_step="snapshots are read-only",
            )
        columns, rows = relation.columns, relation.fetchall()
    except duckdb.Error as error:
        raise ConfigError(
            f"The query failed: {error}",
            next_step='`windsock sql "show all tables"` lists the marts',
        ) from error
    WRITERS[parsed.format](columns, rows)
    return 0


def _trace(parsed: argparse.Namespace) -> int:
    with logs.note("reading the models (some seconds, once after each change of them) ..."):
        from ingest.sources.airflow_db import provenance
        from windsock.trace import trace
        from windsock.warehouse import layout_of

        text = trace(
            parsed.column,
            layout_of(_config(parsed)),
            landing=provenance.landing_types(),
            where_from=provenance.where_from,
        )
    _say(text)
    return 0


def _doctor(parsed: argparse.Namespace) -> int:
    import ingest.doctor as doctor

    windsock = _windsock(parsed)
    checks = doctor.examine(windsock.config, layout=windsock.layout)
    _say(doctor.render(checks))
    return doctor.exit_code(checks)


def _grants(parsed: argparse.Namespace) -> int:
    from windsock import commands

    _say(commands.grants(_windsock(parsed), parsed.cluster))
    return 0


if __name__ == "__main__":
    sys.exit(main())
