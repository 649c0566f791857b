"""Banners that lists have on top besides what is stale: what is broken now, one line, one action.

A page of one DAG says such things of itself, so these stand on lists only.
"""

from dashboards import format as fmt
from dashboards import frame, links


def draw(page: frame.Page, cluster: str | None = None) -> None:
    """What is stale, then what does not load; nothing when all is well."""
    frame.banner(page)
    broken_files(page, cluster)


def broken_files(page: frame.Page, cluster: str | None = None) -> None:
    """How many DAG files do not load now, with the way to them."""
    found = page.reader.row("frame__broken_files", cluster=cluster or None) or {}
    count = found.get("file_count") or 0
    if not count:
        return
    many = found["cluster_count"]
    frame.say('<div class="ws-banner" role="status"><b>{files}</b> {verb} not load{where}. '
              "{link}</div>",
              files=fmt.count(count, "DAG file"), verb="does" if count == 1 else "do",
              where=f" on {fmt.count(many, 'cluster')}" if many > 1 else "",
              link=links.link("import_errors", "See which", cluster=cluster or None))
