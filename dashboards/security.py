"""What a browser may do with the pages: load from their own origin only, be called by no other.

    browser  ->  OwnOrigin  ->  Streamlit  ->  SecurityHeaders  ->  browser

So text of strangers that slipped through every other net could neither run as a script nor reach
another host.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def _inline_scripts() -> str:
    """Hashes of the scripts that stand in Streamlit's own index.html, as a policy names them."""
    # Found without importing Streamlit: the balancer has no need of the rest of it.
    index = distribution("streamlit").locate_file("streamlit/static/index.html")
    scripts = re.findall(r"<script>(.*?)</script>", Path(str(index)).read_text(), re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    return " ".join(f"'sha256-{one}'" for one in hashes)


# What each relaxation is for: Streamlit's styles are inline, it imports components from blobs,
# and Vega compiles the expressions of charts ('unsafe-eval').
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    f"script-src 'self' blob: 'unsafe-eval' {_inline_scripts()}".rstrip(),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'self'",
))
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class SecurityHeaders:
    """ASGI middleware that puts `HEADERS` on every HTTP answer."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; its answer gets the headers."""
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, dressed if scope["type"] == "http" else send)


class OwnOrigin:
    """ASGI middleware that refuses websockets of other origins, before Streamlit looks.

    Streamlit would refuse them too, but asks a server on the internet for its own address first,
    and serves nobody meanwhile. For the same reason it is not told the origin of other requests:
    it would only say which other origins may read the answer, and none may.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            origin = headers.get("origin")      # only browsers say it, and they cannot but say it
            if origin is not None and _host_of(origin) != headers.get("host"):
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
        elif scope["type"] == "http":
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"]
                                          if name != b"origin"]}
        await self.app(scope, receive, send)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
