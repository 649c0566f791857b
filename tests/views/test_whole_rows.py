"""The hostile twin of the whole warehouse leaves no text out that a page may read."""

from dashboards import data
from tests.views.snapshots import COLUMNS, Rows, hostile_names
from tests.views.whole_rows import Twin

READ = sorted({mart for query in data.QUERIES.glob("*.sql")
               for mart in data.marts_of(query.stem)})
CONFIGURED = {("dim_clusters", "base_url")}


def _hostile_columns(*worlds: Rows) -> set[tuple[str, str]]:
    names = [name.lower() for name in hostile_names()]
    return {(mart, column) for rows in worlds for mart in READ for row in rows[mart]
            for column, value in row.items() if any(
                name in text.lower() for text in (value if isinstance(value, list) else [value])
                if isinstance(text, str) for name in names)}


def _texts() -> set[tuple[str, str]]:
    return {(mart, column) for mart in READ for column, kind in COLUMNS[mart].items()
            if kind in ("varchar", "varchar[]")} - CONFIGURED


def test_every_text_of_every_mart_that_a_page_reads_is_hostile() -> None:
    names = hostile_names()
    assert _texts() - _hostile_columns(Twin(names).rows, Twin(names, has_codes=True).rows) == set()
