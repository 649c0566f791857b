"""The relay of the balancer before workers that are not Streamlit."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import (
    ClientPayloadError,
    ClientSession,
    DummyCookieJar,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from aiohttp.test_utils import RawTestServer

from dashboards.relay import Relay, open_session
from dashboards.security import HEADERS
from dashboards.upstreams import Upstream, choose

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
COOKIE = "windsock_worker_1"


@dataclass
class Balanced:
    """A relay that listens, its workers, and somebody who asks and keeps no cookies."""

    url: str
    relay: Relay
    upstreams: list[Upstream]
    servers: list[RawTestServer]
    client: ClientSession


@asynccontextmanager
async def balanced(*handlers: Handler) -> AsyncIterator[Balanced]:
    servers = [RawTestServer(one) for one in handlers]
    for server in servers:
        await server.start_server()
    upstreams = [Upstream(str(n), server.port or 0, is_healthy=True)
                 for n, server in enumerate(servers)]
    async with open_session() as session, ClientSession(
            cookie_jar=DummyCookieJar(), auto_decompress=False) as client:
        relay = Relay(upstreams, session, cookie=COOKIE)
        async with RawTestServer(relay) as front:
            yield Balanced(str(front.make_url("/"))[:-1], relay, upstreams, servers, client)
            await relay.close()
    for server in servers:
        await server.close()


def runs(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, which must not take long."""
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    run.__name__ = test.__name__
    return run


def named(name: str) -> Handler:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=name)
    return answer


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    """Says on connecting what it was asked with, then sends all back; `bye` ends it with 4001."""
    socket = web.WebSocketResponse(protocols=("streamlit",), max_msg_size=0)
    await socket.prepare(request)
    await socket.send_json({"host": request.headers.get("Host"),
                            "origin": request.headers.get("Origin"),
                            "protocols": request.headers.get("Sec-WebSocket-Protocol")})
    async for message in socket:
        if message.data == "bye":
            await socket.close(code=4001)
        elif message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    echo.closed_with = socket.close_code        # type: ignore[attr-defined]
    return socket


def test_a_browser_goes_to_its_worker_else_to_the_idlest() -> None:
    a, b, c = (Upstream(name, is_healthy=True, open_count=count)
               for name, count in (("a", 3), ("b", 1), ("c", 1)))
    assert choose([a, b, c], "a") is a
    assert [choose([a, b, c], known) for known in (None, "nobody", "")] == [b, c, b]
    a.is_healthy = False
    assert choose([a, b, c], "a") in (b, c)
    assert choose([a], "a") is None
    assert choose([], None) is None


@runs
async def test_a_cookie_brings_a_browser_back() -> None:
    async with balanced(named("one"), named("two")) as at:
        async with at.client.get(at.url) as first:
            cookie = first.headers["Set-Cookie"]
            mine = await first.text()
        assert cookie == f"{COOKIE}={0 if mine == 'one' else 1}; Path=/; HttpOnly; SameSite=Lax"
        for _ in range(4):
            async with at.client.get(at.url, headers={"Cookie": cookie.split(";")[0]}) as again:
                assert await again.text() == mine
                assert "Set-Cookie" not in again.headers


@runs
async def test_new_browsers_go_where_the_fewest_pages_are_open() -> None:
    async with balanced(echo, echo, echo) as at:
        stream = at.url + "/_stcore/stream"
        opened = [await at.client.ws_connect(stream) for _ in range(5)]
        assert sorted(one.open_count for one in at.upstreams) == [1, 2, 2]
        await asyncio.gather(*(one.close() for one in opened))
        while any(one.open_count for one in at.upstreams):
            await asyncio.sleep(0.01)


@runs
async def test_another_takes_over_from_a_dead_worker() -> None:
    async with balanced(named("one"), named("two")) as at:
        await at.servers[0].close()
        headers = {"Cookie": f"{COOKIE}=0"}
        async with at.client.get(at.url, headers=headers) as answer:
            assert await answer.text() == "two"
            assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}=1;")
        assert not at.upstreams[0].is_healthy
        await at.servers[1].close()
        async with at.client.get(at.url, headers=headers) as answer:
            assert answer.status == 503
            assert {k: answer.headers[k] for k in HEADERS} == HEADERS


@runs
async def test_websockets_pass_with_all_that_streamlit_checks() -> None:
    async with balanced(echo) as at:
        headers = {"Host": "windsock.example:8501", "Origin": "https://windsock.example:8501"}
        async with at.client.ws_connect(at.url + "/x", headers=headers, max_msg_size=0,
                                        protocols=("streamlit", "token", "session")) as socket:
            assert socket.protocol == "streamlit"
            seen = await socket.receive_json()
            assert seen == {"host": headers["Host"], "origin": headers["Origin"],
                            "protocols": "streamlit,token,session"}
            for data in (b"", b"\x00\xff", b"x" * (8 * 1024 * 1024)):
                await socket.send_bytes(data)
                assert await socket.receive_bytes() == data
            await socket.send_str("Grüße")
            assert await socket.receive_str() == "Grüße"
            await socket.send_str("bye")
            assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == 4001


@runs
async def test_a_worker_learns_that_its_page_was_closed() -> None:
    async with balanced(echo) as at:
        socket = await at.client.ws_connect(at.url)
        await socket.close(code=4002)
        while at.upstreams[0].open_count:
            await asyncio.sleep(0.01)
        assert echo.closed_with == 4002         # type: ignore[attr-defined]


@runs
async def test_open_pages_are_told_when_the_balancer_goes() -> None:
    async with balanced(echo) as at, at.client.ws_connect(at.url) as socket:
        await socket.receive()
        closing = asyncio.create_task(at.relay.close())
        assert (await socket.receive()).type is WSMsgType.CLOSE
        await closing
        assert socket.close_code == 1001


@runs
async def test_a_refused_handshake_stays_refused() -> None:
    async def refuse(request: web.BaseRequest) -> web.Response:
        return web.Response(status=403)

    async with balanced(refuse) as at:
        with pytest.raises(WSServerHandshakeError) as refused:
            await at.client.ws_connect(at.url)
        assert refused.value.status == 403
        assert at.upstreams[0].open_count == 0


@runs
async def test_bodies_stream_both_ways() -> None:
    came, asked = asyncio.Event(), asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        first = await request.content.readany()
        came.set()
        rest = await request.content.read()
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(first[:4])
        await asked.wait()
        await answer.write(b"%d" % (len(first) + len(rest)))
        return answer

    async def body() -> AsyncIterator[bytes]:
        yield b"head"
        await came.wait()       # the worker has the beginning while we still send
        for _ in range(64):
            yield b"x" * 262_144

    async with balanced(slow) as at, at.client.post(at.url, data=body()) as answer:
        assert await answer.content.readany() == b"head"
        asked.set()
        assert await answer.text() == str(4 + 64 * 262_144)


@runs
async def test_headers_of_one_connection_and_of_forgers_stay_out() -> None:
    seen: dict[str, str] = {}

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.update({k.lower(): v for k, v in request.headers.items()})
        found = web.Response(body=gzip.compress(b"page"), headers={
            "Content-Encoding": "gzip", "Connection": "X-Hop", "X-Hop": "1", "Keep-Alive": "9",
            "X-Kept": "yes"})
        found.headers.add("Set-Cookie", "a=1")
        found.headers.add("Set-Cookie", "b=2")
        return found

    async with balanced(answer) as at, at.client.get(at.url + "/a%2Fb//c?q=%C3%A9&q=2", headers={
            "Host": "windsock.example", "Connection": "X-Mine", "X-Mine": "1", "TE": "trailers",
            "Proxy-Authorization": "Basic x", "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Proto": "https", "Forwarded": "for=6.6.6.6",
            "X-Forwarded-User": "ann", "Origin": "http://windsock.example"}) as got:
        assert gzip.decompress(await got.read()) == b"page"
        assert got.headers["X-Kept"] == "yes"
        assert not {"X-Hop", "Keep-Alive"} & set(got.headers)
        assert got.headers.getall("Set-Cookie")[:2] == ["a=1", "b=2"]
    assert not {"x-mine", "te", "proxy-authorization", "forwarded"} & set(seen)
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-user"] == "ann"
    assert seen["host"] == "windsock.example"
    assert seen["origin"] == "http://windsock.example"


@pytest.mark.parametrize(("target", "path"), [
    ("/a%2Fb//c?q=%C3%A9&q=2", "/a%2Fb//c?q=%C3%A9&q=2"),
    ("http://127.0.0.1:9/evil", "/evil"),
    ("//127.0.0.1:9/evil", "/evil"),
    ("/", "/"),
])
def test_whatever_is_asked_for_a_worker_of_ours_is_reached(target: str, path: str) -> None:
    async def say_path(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.raw_path)

    async def ask() -> str:
        async with balanced(say_path) as at:
            host, port = at.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            text = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            return text
    answer = asyncio.run(ask())
    assert answer.startswith("HTTP/1.1 200")
    assert answer.endswith(path)


@runs
async def test_empty_answers_and_redirects_pass_as_they_are() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/old":
            return web.Response(status=302, headers={"Location": "/new"})
        if request.path == "/same":
            return web.Response(status=304, headers={"ETag": '"1"'})
        return web.Response(body=b"12345")

    async with balanced(answer) as at:
        async with at.client.head(at.url) as head:
            assert (head.headers["Content-Length"], await head.read()) == ("5", b"")
        async with at.client.get(at.url + "/old", allow_redirects=False) as moved:
            assert (moved.status, moved.headers["Location"]) == (302, "/new")
        async with at.client.get(at.url + "/same") as same:
            assert (same.status, same.headers["ETag"]) == (304, '"1"')


@runs
async def test_half_an_answer_does_not_look_like_a_whole_one() -> None:
    async def dies(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def dies_at_once(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with balanced(dies) as at, at.client.get(at.url) as answer:
        with pytest.raises(ClientPayloadError):
            await answer.read()
    async with balanced(dies_at_once) as at, at.client.post(at.url, data=b"x") as answer:
        assert answer.status == 502
