"""A team at work: each agent has a list open that hears of news, while requests keep coming in."""

import asyncio
import json
import os
import random
import re
import time

from load import cpu, pss


class Browser:
    """One agent's open list, as desk.js keeps it: a line for news, and what it fetches when they come."""

    def __init__(self, port, session, times):
        self.port, self.session, self.times = port, session, times
        self.lock = asyncio.Lock()
        self.line = None
        self.address = None
        self.tag = None
        self.fetched = 0
        self.pages = 0

    async def ask(self, path, headers=()):
        """One request on the browser's own kept line; the status and the body."""
        async with self.lock:
            if self.line is None:
                self.line = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            reader, writer = self.line
            more = "".join(f"{name}: {value}\r\n" for name, value in headers)
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nCookie: usher_session={self.session}\r\n{more}\r\n".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            status = int(head.split(" ", 2)[1])
            fields = {
                line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip()
                for line in head.split("\r\n")[1:]
                if ":" in line
            }
            body = b""
            if "content-length" in fields:
                body = await reader.readexactly(int(fields["content-length"]))
            elif fields.get("transfer-encoding") == "chunked":
                while True:
                    size = int((await reader.readline()).split(b";")[0], 16)
                    body += (await reader.readexactly(size + 2))[:-2]
                    if size == 0:
                        break
            self.fetched += len(body)
            return status, fields, body

    async def open(self, path):
        self.path = path
        status, fields, body = await self.ask(path)
        assert status == 200, (status, body[:200])
        self.tag = fields.get("etag")
        live = re.search(rb'data-live="([^"]+)"', body)
        self.live = live.group(1).decode().replace("&amp;", "&")
        self.task = asyncio.create_task(self.listen())

    async def listen(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            f"GET {self.live} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nCookie: usher_session={self.session}\r\n\r\n".encode()
        )
        waiting = None
        while True:
            line = await reader.readline()
            if not line:
                return
            if line.startswith(b"event: desk") and (waiting is None or waiting.done()):
                waiting = asyncio.create_task(self.refresh())

    async def refresh(self):
        """News come in crowds; a page waits a moment and asks once."""
        await asyncio.sleep(0.3 + random.random() * 0.7)
        begun = time.monotonic()
        await self.ask("/desk/counts")
        counted = time.monotonic()
        status, fields, _ = await self.ask(self.path, [("If-None-Match", self.tag)] if self.tag else [])
        self.tag = fields.get("etag", self.tag)
        self.pages += 1
        self.times["counts"].append((counted - begun) * 1000)
        self.times["page"].append((time.monotonic() - counted) * 1000)

    def close(self):
        self.task.cancel()


async def requests(port, key, rate, until, times):
    """New requests at a steady rate, each on its own, as mail and forms bring them."""

    async def one(number):
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        who = f"t{os.getpid()}-{number}-{time.monotonic_ns()}"
        body = json.dumps(
            {
                "requester": {"email": f"{who}@bench.example"},
                "subject": "Scanner sends empty pages",
                "body": "Every page comes out white.",
            }
        )
        writer.write(
            f"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        answer = await reader.read(64)
        times["create"].append((time.monotonic() - begun) * 1000)
        assert b" 201 " in answer, answer
        writer.close()

    begun, number, running = time.monotonic(), 0, []
    while time.monotonic() < until:
        running.append(asyncio.create_task(one(number)))
        number += 1
        await asyncio.sleep(max(0, begun + number / rate - time.monotonic()))
    await asyncio.gather(*running)


async def run(desk, sessions, rate, seconds):
    times = {"create": [], "page": [], "counts": []}
    browsers = [Browser(desk.port, session, times) for session in sessions]
    for browser in browsers:
        await browser.open("/desk?list=open")
    used, begun = cpu(desk.process), time.monotonic()
    await requests(desk.port, desk.key, rate, begun + seconds, times)
    used = (cpu(desk.process) - used) / (time.monotonic() - begun)
    held = pss(desk.process)
    await asyncio.sleep(1.5)
    for browser in browsers:
        browser.close()
    at = lambda name, share: sorted(times[name])[int(len(times[name]) * share)] if times[name] else 0
    return {
        "agents": len(sessions),
        "rate": rate,
        "cpu": used,
        "memory": held,
        "pages": len(times["page"]),
        "bytes": sum(browser.fetched for browser in browsers),
        **{f"{name} {label}": at(name, share) for name in times for label, share in [("p50", 0.5), ("p99", 0.99)]},
    }


def team(desk, sessions, rate=10, seconds=15):
    return asyncio.run(run(desk, sessions, rate, seconds))
