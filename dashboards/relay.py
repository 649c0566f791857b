"""Requests of browsers passed on to a worker, and its answers back.

    browser -> Relay -> the worker of its cookie (upstreams.choose) -> Streamlit

Host, Origin and subprotocols go through untouched: Streamlit checks them, nobody else does.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSMessageTypeError,
    WSMsgType,
    WSServerHandshakeError,
    hdrs,
    web,
)
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from dashboards.launch import LOOPBACK, MESSAGE_MEGABYTES
from dashboards.security import HEADERS
from dashboards.upstreams import Upstream, choose

LOG = logging.getLogger("windsock.balancer")

# RFC 9110, 7.6.1: these speak of one connection, not of what is sent over it.
_HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade"})
# What only the peer's own connection may say.
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
                        "x-forwarded-port"})
_HANDSHAKE = frozenset({
    "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
    "sec-websocket-extensions"})
# A megabyte more than Streamlit lets pass, so that Streamlit is the one to say so.
_MESSAGE_BYTES = (MESSAGE_MEGABYTES + 1) * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# A worker that draws pages for others answers late, not never.
_TIMEOUT = ClientTimeout(total=None, sock_connect=5, sock_read=60)
_PING_SECONDS = 30.0
_UNSENDABLE_CODES = (None, 1005, 1006)      # they say "no code" and "broken": only for oneself


def open_session() -> ClientSession:
    """What the relay reaches workers with; nothing of one browser is kept for another."""
    # Uvicorn closes what is silent for 5 s; the connections of websockets stay, so no limit.
    connector = TCPConnector(limit=0, keepalive_timeout=3)
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), timeout=_TIMEOUT,
                         auto_decompress=False, trust_env=False)


class Relay:
    """Handler of every request that comes to the balancer.

    Args:
        upstreams: the workers.
        session: from `open_session`.
        cookie: name of the cookie that holds a browser's worker; one for each port, since browsers
            send cookies to all ports of a host.
        prefix: path that all pages lie under.
    """

    def __init__(self, upstreams: Sequence[Upstream], session: ClientSession, *, cookie: str,
                 prefix: str = "") -> None:
        self._upstreams = upstreams
        self._session = session
        self._cookie = cookie
        self._path = prefix or "/"
        self._open: set[web.WebSocketResponse] = set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass a request on; try another worker where one cannot be reached."""
        is_websocket = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
        for _ in self._upstreams:
            upstream = choose(self._upstreams, request.cookies.get(self._cookie))
            if upstream is None:
                break
            try:
                passed = self._pass_websocket if is_websocket else self._pass_request
                return await passed(request, upstream)
            except ClientConnectorError:    # nothing was sent yet, so trying again is safe
                upstream.is_healthy = False
        return _own_answer(503, "No worker answers yet. Try again in a moment.")

    async def close(self) -> None:
        """Tell every open page that we go; they come back by themselves."""
        async with asyncio.TaskGroup() as group:
            for one in self._open:
                group.create_task(_close(one, 1001))

    async def _pass_request(self, request: web.BaseRequest,
                            upstream: Upstream) -> web.StreamResponse:
        answer = None
        try:
            async with self._session.request(
                    request.method, _address(request, upstream), headers=_passed_on(request),
                    data=request.content if request.body_exists else None, allow_redirects=False,
                    skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                    ) as found:
                answer = web.StreamResponse(status=found.status, reason=found.reason,
                                            headers=_end_to_end(found.headers))
                self._keep(request, upstream, answer)
                await answer.prepare(request)
                async for chunk in found.content.iter_chunked(_CHUNK_BYTES):
                    await answer.write(chunk)
                await answer.write_eof()
                return answer
        except ClientConnectorError:
            raise
        except (ClientError, TimeoutError) as error:
            if answer is not None and (request.transport is None or request.transport.is_closing()):
                return answer                   # the browser went
            LOG.warning("event=request_failed worker=%s error=%s", upstream.name,
                        type(error).__name__)
            if answer is not None and answer.prepared and request.transport is not None:
                request.transport.abort()       # half an answer must not look like a whole one
                return answer
            return _own_answer(502, "The worker did not answer. Try again in a moment.")

    async def _pass_websocket(self, request: web.BaseRequest,
                              upstream: Upstream) -> web.StreamResponse:
        protocols = [p.strip() for p in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
                     .split(",") if p.strip()]
        headers = _passed_on(request, but=_HANDSHAKE)
        try:
            inner = await self._session.ws_connect(
                _address(request, upstream), protocols=protocols, headers=headers,
                max_msg_size=_MESSAGE_BYTES)
        except WSServerHandshakeError as error:     # such as a foreign Host or Origin
            return _own_answer(error.status, "The websocket was refused.")
        except ClientConnectorError:
            raise
        except (ClientError, TimeoutError):
            return _own_answer(502, "The worker did not answer. Try again in a moment.")
        outer = web.WebSocketResponse(
            protocols=[inner.protocol] if inner.protocol else (), compress=False,
            max_msg_size=_MESSAGE_BYTES, heartbeat=_PING_SECONDS)
        upstream.open_count += 1
        self._open.add(outer)
        try:
            self._keep(request, upstream, outer)
            await outer.prepare(request)
            await _both_ways(outer, inner)
            await _close(outer, inner.close_code)
        finally:
            self._open.discard(outer)
            upstream.open_count -= 1
            await inner.close(code=_sendable(outer.close_code))
        return outer

    def _keep(self, request: web.BaseRequest, upstream: Upstream,
              answer: web.StreamResponse) -> None:
        """Let the browser come back to this worker."""
        if request.cookies.get(self._cookie) != upstream.name:
            answer.headers.add(hdrs.SET_COOKIE, f"{self._cookie}={upstream.name}; "
                               f"Path={self._path}; HttpOnly; SameSite=Lax")


def _address(request: web.BaseRequest, upstream: Upstream) -> URL:
    # Only path and query are the browser's: whatever it asks for, it reaches a worker of ours.
    return URL.build(scheme="http", host=LOOPBACK, port=upstream.port, encoded=True,
                     path="/" + request.rel_url.raw_path.lstrip("/"),
                     query_string=request.rel_url.raw_query_string)


def _end_to_end(headers: CIMultiDictProxy[str],
                but: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """Headers without those that speak of one connection."""
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ())
             for name in value.split(",")}
    dropped = _HOP_BY_HOP | named | but
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in dropped)


def _passed_on(request: web.BaseRequest, but: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers, but | _FORWARDED)
    headers["X-Forwarded-For"] = request.remote or "unknown"
    headers["X-Forwarded-Proto"] = "http"       # our own port has no TLS
    return headers


def _own_answer(status: int, text: str) -> web.Response:
    headers = {**HEADERS, "Cache-Control": "no-store", "Server": "windsock"}
    if status == 503:
        headers["Retry-After"] = "2"
    return web.Response(status=status, text=text, headers=headers)


async def _both_ways(outer: web.WebSocketResponse, inner: ClientWebSocketResponse) -> None:
    """Pass messages until one side closes."""
    ways = {asyncio.create_task(_one_way(*way)) for way in ((outer, inner), (inner, outer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in ways:
            one.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _one_way(source: web.WebSocketResponse | ClientWebSocketResponse,
                   sink: web.WebSocketResponse | ClientWebSocketResponse) -> None:
    with suppress(ConnectionError, ClientError, WSMessageTypeError):    # a side went: we end
        async for message in source:
            if message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)


async def _close(outer: web.WebSocketResponse, code: int | None) -> None:
    with suppress(ConnectionError, RuntimeError):
        await outer.close(code=_sendable(code))


def _sendable(code: int | None) -> int:
    return 1001 if code is None or code in _UNSENDABLE_CODES else code
