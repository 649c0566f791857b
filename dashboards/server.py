"""The pages as an ASGI application: Streamlit with security headers on every answer.

    streamlit run dashboards/server.py <options> -- --warehouse PATH        (see launch.py)

Streamlit runs this file once, before the port answers, and `app.py` for every page.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from dashboards import settings, starter
from dashboards.security import OwnOrigin, SecurityHeaders
from windsock.errors import WindsockError

# What pages import, and the first viewer would wait for (2 to 3 s on two cores).
_NEEDED = ("pandas", "altair", "polars", "dashboards.frame", "dashboards.charts")


@asynccontextmanager
async def _warmed(_app: st.App) -> AsyncIterator[None]:
    """Import what pages need, and open the newest generation, before the port answers.

    Not at the top of the file: Streamlit's caches want its runtime to be there already.
    """
    for name in _NEEDED:
        import_module(name)
    from dashboards import data

    chosen = settings.parse(sys.argv[1:])
    with suppress(WindsockError):       # the page says it, to whoever comes
        data.open_newest(chosen.layout, processes=chosen.processes)
    yield


if settings.parse(sys.argv[1:]).ends_with_stdin:
    starter.when_gone(lambda: os._exit(0))

app = st.App(Path(__file__).with_name("app.py"), lifespan=_warmed,
             middleware=[Middleware(SecurityHeaders), Middleware(OwnOrigin)])
