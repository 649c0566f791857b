"""What Streamlit lacks, as components of our own: bundles are committed, sources lie in `src/`.

    src/*.ts  --make components-->  bundle/*.js  ->  st.components.v2, inline

Setting up needs no Node. Data goes in as JSON and is put on the page as text only (textContent,
attributes), never as HTML.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

BUNDLE = Path(__file__).with_name("bundle")


@cache
def component(name: str) -> Callable[..., Any]:
    """A component of the bundle, registered once; mount it by calling what is returned.

    Args:
        name: of `bundle/<name>.js`, with `bundle/<name>.css` beside it where it has a look.
    """
    style = BUNDLE / f"{name}.css"
    # text without a line break would be taken for the path of a file
    return st.components.v2.component(
        f"windsock.{name}", js=f"/* {name} */\n{(BUNDLE / f'{name}.js').read_text()}",
        css=f"/* {name} */\n{style.read_text()}" if style.exists() else None, isolate_styles=False)


def navigator() -> None:
    """Make links of class `ws-link` stay inside the app, and `/` lead to the search."""
    component("navigator")(key="ws_navigator", data=None, height=0)
