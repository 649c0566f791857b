"""A made-up company is called one on every page, whatever the page has to show."""

from pathlib import Path

import pytest

from dashboards import links
from tests.views.conftest import Open, html_of
from tests.views.list_rows import full_lists
from windsock.warehouse import Layout

VIEWS = sorted(Path(links.__file__).with_name("views").glob("*.py"))
LABEL = "<b>Demonstration:</b> a made-up company; nothing here is real."


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.stem)
def test_every_page_of_a_demonstration_says_so(open_page: Open, tmp_path: Path,
                                               view: Path) -> None:
    Layout(tmp_path).demonstration.touch()
    assert html_of(open_page(full_lists(), f"views/{view.name}")).count(LABEL) == 1


def test_a_demonstration_without_a_snapshot_says_so_too(open_page: Open, tmp_path: Path) -> None:
    Layout(tmp_path).demonstration.touch()
    assert LABEL in html_of(open_page(None))


def test_other_warehouses_are_not_called_one(open_page: Open) -> None:
    assert "Demonstration" not in html_of(open_page(full_lists()))
