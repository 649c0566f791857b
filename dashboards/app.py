"""Navigation of the pages, nothing else. `windsock serve` starts it (see launch.py)."""

from pathlib import Path

import streamlit as st

from dashboards import links

# A file, since Streamlit fetches emoji and named icons for the browser's tab from foreign hosts.
_MARK = Path(__file__).with_name("assets") / "windsock.svg"
_GROUPS = ("Find", "Understand", "Improve", "Operate")

st.set_page_config(page_title="Windsock", page_icon=str(_MARK), layout="wide")
st.logo(str(_MARK), size="small")


def _page(name: str, place: links.Place) -> "st.Page":
    return st.Page(f"views/{name}.py", title=place.title, icon=f":material/{place.icon}:",
                   default=name == links.DEFAULT,
                   visibility="visible" if place.group else "hidden")


_PAGES = {name: _page(name, place) for name, place in links.PLACES.items()
          if (Path(__file__).with_name("views") / f"{name}.py").exists()}
st.navigation(
    {group: [page for name, page in _PAGES.items() if links.PLACES[name].group == group]
     for group in _GROUPS} | {"": [page for name, page in _PAGES.items()
                                   if not links.PLACES[name].group]},
    position="top").run()
