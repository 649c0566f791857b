"""Navigation of the pages, nothing else. `windsock serve` starts it (see launch.py)."""

from pathlib import Path

import streamlit as st

# A file, since Streamlit fetches emoji and named icons for the browser's tab from foreign hosts.
_MARK = Path(__file__).with_name("assets") / "windsock.svg"

st.set_page_config(page_title="Windsock", page_icon=str(_MARK), layout="wide")
st.logo(str(_MARK), size="small")

st.navigation([
    st.Page("views/runs.py", title="Runs", icon=":material/checklist:", default=True),
    st.Page("views/platform.py", title="Platform", icon=":material/monitor_heart:"),
], position="top").run()
