"""A choice that stands in the URL and that other pages may have in theirs.

    URL -> the widget shows it;  choosing -> the URL, then the page again

Streamlit's own binding of a widget to the URL belongs to one page: going from there to a page whose
address has the same parameter (`cluster`, above all), it takes the parameter away.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboards import format as fmt


def select(name: str, label: str, options: Sequence[str], nothing: str, *,
           width: Any = "stretch") -> str:
    """A select box; empty text when nothing is chosen, or what there is not.

    Args:
        name: in the URL, and the widget's key.
        label: above it.
        options: what can be chosen.
        nothing: what stands there when nothing is.
        width: of the box, in pixels or as Streamlit names it.
    """
    asked = st.query_params.get(name, "")
    st.session_state[name] = asked if asked in options else ""
    return st.selectbox(label, ["", *options], key=name, width=width, on_change=_keep, args=(name,),
                        format_func=lambda one: fmt.visible(one) or nothing) or ""


def _keep(name: str) -> None:
    """The choice into the URL, before the page is drawn with it."""
    chosen = st.session_state[name]
    if chosen:
        st.query_params[name] = chosen
    else:
        st.query_params.pop(name, None)
