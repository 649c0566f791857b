"""Fixtures of the tests of pages.

Warnings are errors here as everywhere; nothing of Streamlit needed a filter.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data
from tests.views.snapshots import FRESH_NOW, Rows, publish
from windsock import clock

APP = Path(__file__).parents[2] / "dashboards" / "app.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page on a warehouse of these rows (None: nothing published) at this time."""
    def _open(rows: Rows | None, page: str | None = None, *, now: datetime = FRESH_NOW,
              **query: str) -> AppTest:
        if rows is not None:
            publish(tmp_path, rows)
        monkeypatch.setattr(clock, "now", lambda: now.replace(tzinfo=UTC))
        monkeypatch.setattr(sys, "argv", ["app.py", "--warehouse", str(tmp_path)])
        app = AppTest.from_file(str(APP), default_timeout=60)
        if page:
            app.switch_page(page)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return _open


@pytest.fixture(autouse=True)
def _forget_generations() -> None:
    """Each test has a warehouse of its own; its connections close with it."""
    data._open.clear()
    data._answer.clear()


def html_of(app: AppTest) -> str:
    """All HTML that a page wrote, in its order."""
    return "\n".join(one.proto.body for one in app.get("html"))
