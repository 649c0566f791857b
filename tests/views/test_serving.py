"""Real servers, without a browser: headers, who is refused, several workers, their end."""

import asyncio
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from dashboards import launch
from dashboards.launch import Site
from dashboards.security import HEADERS
from tests.served_pages import opened, processes, served
from tests.views.snapshots import full, publish, run

STATIC = Path(__import__("streamlit").__file__).with_name("static")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One process under a prefix, as behind a proxy of the company."""
    root = publish(tmp_path_factory.mktemp("headers"), full())
    with served(Site(0, root, prefix="/windsock",
                     hosts=(*launch.LOOPBACK_HOSTS, "windsock.example"))) as found:
        yield found


def _headers(url: str) -> tuple[int, HTTPMessage]:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize(("path", "status"), [
    ("/", 200), ("/platform", 200), ("/_stcore/health", 200), ("/_stcore/host-config", 200),
    ("/media/nothing.png", 404), ("/component/none/x.js", 404), ("/favicon.png", 200),
    ("/_stcore/bidi-components/none/x.js", 404),
    (f"/static/js/{next((STATIC / 'static' / 'js').glob('index.*.js')).name}", 200),
    ("/_stcore/agent/mcp", 405), ("/..%2f..%2fetc/passwd", 400),
])
def test_every_answer_has_the_headers(address: str, path: str, status: int) -> None:
    found, headers = _headers(address + path)
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert found == status


def test_the_policy_names_every_script_of_streamlits_own_page(address: str) -> None:
    with urllib.request.urlopen(address + "/") as answer:  # noqa: S310
        page = answer.read().decode()
    assert page.count("<script>") == HEADERS["Content-Security-Policy"].count("'sha256-") == 1
    assert " onload=" not in page


@pytest.mark.parametrize(("host", "origin", "is_welcome"), [
    ("windsock.example", "https://windsock.example", True),
    ("localhost:8501", "http://localhost:8501", True),
    ("localhost:8501", None, True),
    ("evil.example", None, False),
    ("evil.example", "http://evil.example", False),
    ("localhost:8501", "http://evil.example", False),
    ("localhost:8501", "http://localhost:8502", False),
    ("localhost:8501", "null", False),
    ("localhost:8501", "http://[", False),
])
def test_websockets_of_others_are_refused_at_once(address: str, host: str, origin: str | None,
                                                  is_welcome: bool) -> None:
    async def connect() -> int:
        headers = {"Host": host} | ({"Origin": origin} if origin else {})
        async with ClientSession() as session:
            try:
                async with session.ws_connect(address + "/_stcore/stream", headers=headers):
                    return 101
            except WSServerHandshakeError as error:
                return error.status
    started = time.monotonic()
    assert asyncio.run(connect()) == (101 if is_welcome else 403)
    assert time.monotonic() - started < 1       # Streamlit alone asks the internet for its address


def test_two_workers_each_with_whole_generations_then_none(tmp_path: Path) -> None:
    """Generation n has n runs: a page that says otherwise has mixed two of them."""
    def rows(count: int) -> dict[str, list[dict[str, object]]]:
        return dict(full()) | {"fct_dag_runs": [run(run_id=f"r{n}") for n in range(count)]}

    async def watch(where: str) -> None:
        async with opened(where) as first, opened(where) as second:
            assert {first.worker, second.worker} == {"0", "1"}
            for generation in (2, 3):
                publishing = asyncio.to_thread(publish, tmp_path, rows(generation),
                                               generation=generation)
                published = asyncio.create_task(publishing)
                while not published.done():
                    for drawn in await asyncio.gather(first.draw("runs"), second.draw("runs")):
                        assert f"{drawn.generation} runs" in drawn.html.replace("1 run ", "1 runs ")
                for page in (first, second):
                    assert (await page.draw("runs")).generation == str(generation)

    publish(tmp_path, rows(1))
    with served(Site(0, tmp_path, workers=2)) as where:
        asyncio.run(watch(where))
        assert len(processes(tmp_path)) == 3       # the balancer and two workers
    assert processes(tmp_path) == []


def test_nothing_outlives_a_starter_that_was_killed(tmp_path: Path) -> None:
    code = ("import subprocess, sys, time; "
            "subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code,
                           *launch.watched(Site(0, tmp_path, workers=2))]) as starter:
        _wait_until(lambda: len(processes(tmp_path)) == 4)
        starter.kill()
    _wait_until(lambda: not processes(tmp_path))


def _wait_until(is_so: object) -> None:
    deadline = time.monotonic() + 15
    while not is_so():      # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)
