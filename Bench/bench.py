#!/usr/bin/env python3
"""Measures the desk on loopback as an ordinary agent of some departments, and prints the tables of docs/speed.md.

    make bench                                 10,000 and 100,000 tickets, SQLite and PostgreSQL
    SIZES=10000,100000,1000000 make bench      with growth to a million
    ENGINES=sqlite PARTS=lists,search make bench
    PEERS=rt,helpdesk make bench               other products on this machine beside it (Bench/peers)

Parts: pages, lists, search, create, long, mail, team, worst, departments, memory. Everything is a ratio to the bare
route or to the bare statements of the same run; the machine's load stands beside it.
"""

import base64
import concurrent.futures
import json
import multiprocessing
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from load import (
    COMMON,
    FLOOR,
    ROOT,
    SECONDS,
    SELDOM,
    USHER,
    Cluster,
    Desk,
    free_port,
    load,
    many,
    private,
    pss,
    start,
    stop,
    wrk,
)
from team import team
from mailserver import Dovecot  # noqa: E402

SIZES = [int(s) for s in os.environ.get("SIZES", "10000,100000").split(",")]
ENGINES = os.environ.get("ENGINES", "sqlite,postgres").split(",")
PARTS = os.environ.get("PARTS", "pages,lists,search,create,long,mail,team,worst,departments,memory").split(",")
LISTS = ["next", "escalated", "mine", "answered", "unassigned", "teams", "missed", "open", "waiting", "closed"]
ORDERS = ["due", "urgency", "newest", "oldest"]
WORDS = {"WORDS": ",".join(COMMON), "OTHERS": ",".join(SELDOM)}

# Each kind of search; W is a common word, V one of the words that one ticket in fifty has.
SEARCHES = [
    ("two common words", "W W"),
    ("a seldom word", "V"),
    ("two seldom words", "V V"),
    ("five words", "W W W V printer"),
    ("OR, common", "W OR W"),
    ("OR, common and seldom", "W OR V"),
    ("minus, common", "W -V"),
    ("minus, seldom", "V -W"),
    ("prefix of two letters", "ba*"),
    ("prefix of one letter", "b*"),
    ("a beginning, not marked", "prin"),
    ("phrase", '"printer V"'),
    ("a number that no ticket has", "N"),
    ("a word of no ticket", "zzzunknown"),
    ("a word of old tickets", "blackout"),
    ("old word and common word", "blackout W"),
    ("address", "cN@bench.example"),
    ("name of a customer", "from:banisda"),
    ("subject", "subject:printer"),
    ("created lately", "created:<7d"),
    ("overdue", "is:overdue W"),
    ("closed and a word", "is:closed V"),
    ("a list's words", "is:open W"),
    ("has an attachment", "has:attachment W"),
]


# Mail


def mail_in(port, worker, seconds):
    """One mail server's line: messages as fast as they are answered for; how long each took."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        answers = line.makefile("rb")
        answers.readline()
        line.sendall(b"LHLO bench\r\n")
        while not answers.readline().startswith(b"250 "):
            pass
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            number += 1
            sender = f"m{worker}-{number}@bench.example"
            message = (
                f"From: Customer {number} <{sender}>\r\nTo: support@localhost\r\nSubject: Scanner sends empty pages\r\nMessage-ID: <{os.getpid()}-{number}@bench.example>\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n\r\nSince this morning every page comes out white.\r\n"
            )
            begun = time.monotonic()
            line.sendall(f"MAIL FROM:<{sender}>\r\nRCPT TO:<support@localhost>\r\nDATA\r\n".encode())
            for _ in range(3):
                answers.readline()
            line.sendall(message.encode() + b".\r\n")
            assert answers.readline().startswith(b"250"), "a message was not kept"
            times.append((time.monotonic() - begun) * 1000)
    return times


def lmtp(port, connections, seconds):
    with multiprocessing.Pool(connections) as pool:
        times = sorted(
            t
            for worker in pool.starmap(mail_in, [(port, worker, seconds) for worker in range(connections)])
            for t in worker
        )
    at = lambda share: times[int(len(times) * share)]
    return {"rate": len(times) / seconds, "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "bad": 0}


def large(port, process):
    """One message of 25 MB by LMTP: seconds until it is answered for, and the most memory the program ever held."""
    content = base64.encodebytes(os.urandom(19 << 20)).replace(b"\n", b"\r\n")
    message = (
        b"From: Kim <large@bench.example>\r\nTo: support@localhost\r\nSubject: A large file\r\nMessage-ID: <large@bench.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=scan.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + content + b"\r\n--b--\r\n"
    )
    with smtplib.LMTP("127.0.0.1", port) as line:
        begun = time.monotonic()
        refused = line.sendmail("large@bench.example", ["support@localhost"], message)
        took = time.monotonic() - begun
    assert not refused, refused
    peak = next(int(row.split()[1]) / 1024 for row in open(f"/proc/{process.pid}/status") if row.startswith("VmHWM"))
    return {"bytes": len(message), "seconds": took, "peak": peak}


def fetch(desk, count=1000):
    """Seconds from setting a mailbox up to its last message kept and flagged, on a real IMAP server."""
    server = Dovecot()
    try:
        with server.line() as line:
            for number in range(count):
                mail = f"From: Customer {number} <i{number}@bench.example>\r\nTo: fetched@bench.example\r\nSubject: Scanner {number}\r\nMessage-ID: <imap-{number}@bench.example>\r\n\r\nEvery page comes out white.\r\n"
                line.append("INBOX", "", None, mail.encode())
        begun = time.monotonic()
        desk.call(
            "POST",
            "/mailboxes",
            {
                "address": "fetched@bench.example",
                "fetch": "imap",
                "fetch_host": "127.0.0.1",
                "fetch_port": server.imap,
                "fetch_security": "plain",
                "fetch_user": "support",
                "fetch_password": server.password,
            },
        )
        while len(server.numbers("SEEN")) < count:
            assert time.monotonic() - begun < 120, "fetching took too long"
            time.sleep(0.1)
        return time.monotonic() - begun
    finally:
        server.close()


# Parts


def query(text, sort=None):
    return "/desk/search?query=" + urllib.parse.quote(text) + (f"&sort={sort}" if sort else "")


def pages(desk, common, sessions):
    runs = {}
    for who, session in sessions.items():
        at = dict(common, SESSION=session)
        runs[f"list, newest, {who}"] = wrk(desk.port, "pages", PATHS="/desk?list=open&sort=newest", **at)
        runs[f"list, by due time, {who}"] = wrk(desk.port, "pages", PATHS="/desk?list=open", **at)
        runs[f"list, urgent first, {who}"] = wrk(desk.port, "pages", PATHS="/desk?list=open&sort=urgency", **at)
        runs[f"list of closed, {who}"] = wrk(desk.port, "pages", PATHS="/desk?list=closed", **at)
        runs[f"search, two words, {who}"] = wrk(desk.port, "pages", PATHS=query("W V"), **at)
    agent = dict(common, SESSION=sessions["agent"])
    runs["ticket, agent"] = wrk(desk.port, "pages", PATHS="\n".join(f"/desk/tickets/{n}" for n in desk.seen), **agent)
    runs["ticket, administrator"] = wrk(desk.port, "page ticket", **dict(common, SESSION=sessions["administrator"]))
    runs["portal home"] = wrk(desk.port, "pages", PATHS="/")
    runs["form"] = wrk(desk.port, "pages", PATHS="/tickets/new")
    runs["API list"] = wrk(desk.port, "api", PATHS="/api/v1/tickets?limit=50", **common)
    runs["API list, next up"] = wrk(
        desk.port, "api", PATHS="/api/v1/tickets?limit=50&sort=urgency&query=state:active", **common
    )
    runs["API ticket"] = wrk(desk.port, "ticket", **common)
    runs["API conversation"] = wrk(desk.port, "entries", **common)
    runs["API search"] = wrk(desk.port, "api", PATHS="/api/v1/tickets?limit=50&query=W+V", **common)
    return runs


def lists(desk, common, sessions):
    """Every list in every order, as the agent and as an administrator."""
    runs = {}
    for name in LISTS:
        for order in ORDERS:
            for who in ("agent", "administrator"):
                runs[f"{name}, {order}, {who}"] = wrk(
                    desk.port,
                    "pages",
                    seconds=1,
                    PATHS=f"/desk?list={name}&sort={order}",
                    **dict(common, SESSION=sessions[who]),
                )
    return runs


def search(desk, common, sessions):
    runs = {}
    for name, text in SEARCHES:
        for order in ("newest", "urgency"):
            runs[f"{name}, {order}"] = wrk(
                desk.port, "pages", seconds=1, PATHS=query(text, order), **dict(common, SESSION=sessions["agent"])
            )
    return runs


def create(desk, common):
    return {f"create {connections}": wrk(desk.port, "create", connections, **common) for connections in (1, 8, 32)} | {
        "reply 8": wrk(desk.port, "reply", 8, **common)
    }


def floor(desk, folder, cluster):
    port = free_port()
    command = [FLOOR, str(port), str(folder), str(desk.size)]
    if desk.engine == "postgres":
        name = f"floor_{os.urandom(3).hex()}"
        cluster.create(name)
        command.append(cluster.address(name))
    process, _ = start(command, os.environ, f"http://127.0.0.1:{port}/bare")
    try:
        return {f"floor {connections}": wrk(port, "floor", connections) for connections in (1, 8, 32)}
    finally:
        stop(process)


def long(desk, common, sessions):
    """A ticket of 2,000 messages, and a customer with 5,000 tickets."""
    number = desk.call(
        "POST",
        "/tickets",
        {
            "requester": {"email": "long@bench.example"},
            "subject": "A long story",
            "body": "It begins.",
            "department": desk.departments[0],
        },
    )["number"]
    text = "The scanner in the second office sends empty pages since this morning and nobody knows why. " * 5
    times = []
    for turn in range(2000):
        begun = time.monotonic()
        desk.call(
            "POST",
            f"/tickets/{number}/entries",
            {"kind": "message", "author": "long@bench.example", "body": f"{turn} {text}"},
        )
        times.append((time.monotonic() - begun) * 1000)
    desk.requests(min(5000, desk.size // 2), lambda n: "regular", "Since this morning every page comes out white.")
    regular = desk.numbers("from:regular@bench.example", 50)
    at = dict(common, SESSION=sessions["administrator"])
    return {
        "message": {"first": sorted(times[:100])[50], "last": sorted(times[-100:])[50]},
        "ticket of 2,000 entries": wrk(desk.port, "pages", PATHS=f"/desk/tickets/{number}", **at),
        "ticket of a customer with 5,000": wrk(
            desk.port, "pages", PATHS="\n".join(f"/desk/tickets/{n}" for n in regular), **at
        ),
    }


def worst(desk, common, sessions, agents):
    """Others' pages while eight agents repeat the dearest searches there are."""
    at = dict(common, SESSION=sessions["agent"])
    result = {"alone": wrk(desk.port, "pages", 2, PATHS="/desk?list=open", **at)}
    dear = "\n".join(
        query(text, order)
        for text, order in [
            ("W OR V OR b*", "urgency"),
            ("b* -W", "urgency"),
            ("W W -V", "oldest"),
            ("subject:W OR from:a", "urgency"),
            ("W OR W", "oldest"),
        ]
    )
    ready = []
    ended = threading.Event()

    def probe():
        while not ended.is_set():
            begun = time.monotonic()
            urllib.request.urlopen(desk.url + "/readyz", timeout=30).close()
            ready.append((time.monotonic() - begun) * 1000)
            time.sleep(0.02)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        searching = pool.submit(wrk, desk.port, "pages", 8, 6, PATHS=dear, **dict(common, SESSION=",".join(agents[:8])))
        time.sleep(1)
        probing = pool.submit(probe)
        result["beside"] = wrk(desk.port, "pages", 2, 4, PATHS="/desk?list=open", **at)
        ended.set()
        probing.result()
        result["searches"] = searching.result()
    result["ready"] = {"p50": sorted(ready)[len(ready) // 2], "max": max(ready)}
    return result


def departments(engine, size, folder, cluster):
    """A desk of 300 departments: an agent of one of them, and one of 250."""
    place = folder / "departments"
    place.mkdir()
    desk = Desk(engine, size, place, cluster, departments=300)
    desk.start()
    try:
        runs = {"bare": wrk(desk.port, "bare")}
        for who, count in (("1", 1), ("250", 250)):
            session = desk.agent(f"of-{who}", "agent", desk.departments[:count])
            for name in ("open", "next", "closed"):
                for order in ORDERS:
                    runs[f"{name}, {order}, agent of {who}"] = wrk(
                        desk.port, "pages", seconds=1, PATHS=f"/desk?list={name}&sort={order}", SESSION=session, **WORDS
                    )
        return runs
    finally:
        desk.stop()
        shutil.rmtree(place)


def memory(desk, common, sessions):
    """After ten thousand different searches."""
    shapes = [query(text) for text in ["{w} {v} {n}", "word{n} OR {w}", "from:{n}", "tag:{n} -{v}", "b* {n}"]]

    def asks():
        for n in range(10_000):
            place = shapes[n % len(shapes)].replace("%7B", "{").replace("%7D", "}")
            yield "GET", place.format(w=COMMON[n % len(COMMON)], v=SELDOM[n % len(SELDOM)], n=n), None

    many(desk.port, asks(), {"Cookie": f"usher_session={sessions['agent']}", "Accept": "text/html"})
    return pss(desk.process), private(desk.process)


def measure(engine, size, cluster, folder, result):
    """Fills in what is measured part by part, so that a part that fails leaves the others."""
    place = folder / f"{engine}-{size}"
    place.mkdir()
    desk = Desk(engine, size, place, cluster)
    result.update({"seeded": desk.seeded, "start": desk.start(), "disk": desk.disk() / size, "idle": pss(desk.process)})
    sessions = {
        "administrator": desk.agent("admin", "administrator"),
        "agent": desk.agent("ordinary", "agent", desk.departments[:2]),
    }
    named = [name for name in desk.departments[:2]]
    desk.seen = [n for name in named for n in desk.numbers(urllib.parse.quote(f'department:"{name}"'))]
    common = {
        "KEY": desk.key,
        "FIRST": 100001 + desk.old,
        "COUNT": size,
        "OPEN": ",".join(map(str, desk.numbers("state:active,resolved,closed"))),
        **WORDS,
    }
    wrk(desk.port, "api", seconds=1, PATHS="/api/v1/tickets?limit=50", **common)
    result["load"] = load()
    result["bare"] = wrk(desk.port, "bare")
    if "pages" in PARTS:
        result["pages"] = pages(desk, common, sessions)
    if "lists" in PARTS:
        result["lists"] = lists(desk, common, sessions)
    if "search" in PARTS:
        result["search"] = search(desk, common, sessions)
    team_sessions = []
    if "team" in PARTS or "worst" in PARTS:
        for number in range(200):
            email = f"team-{number}@bench.example"
            desk.call(
                "POST",
                "/agents",
                {
                    "email": email,
                    "name": f"Team {number}",
                    "departments": [desk.departments[number % 5], desk.departments[(number + 1) % 5]],
                },
            )
            team_sessions.append(desk.session(email))
    if "worst" in PARTS:
        result["worst"] = worst(desk, common, sessions, team_sessions)
    if "team" in PARTS:
        result["team"] = team(desk, team_sessions)
    result["memory"] = pss(desk.process)
    if "memory" in PARTS:
        result["memory after searches"], result["memory of its own"] = memory(desk, common, sessions)
    if "create" in PARTS:
        result["create"] = create(desk, common)
    if "long" in PARTS:
        result["long"] = long(desk, common, sessions)
    if "team" in PARTS and size >= 100_000:
        open_now = int(desk.sql("SELECT count(*) FROM ticket WHERE urgency > 0")[0][0])
        desk.requests(
            max(0, 22_000 - open_now), lambda n: f"open-{n}", "Since this morning every page comes out white."
        )
        result["team, 22,000 open"] = team(desk, team_sessions)
    if "mail" in PARTS:
        result["lmtp"] = lmtp(desk.mail_port, 8, SECONDS)
        result["fetch"] = fetch(desk)
    result["memory at the end"] = pss(desk.process)
    desk.stop()
    if "mail" in PARTS:
        # What one large message takes is seen in a program that has done nothing else.
        desk.start()
        time.sleep(0.5)
        result["large"] = large(desk.mail_port, desk.process)
        desk.stop()
    if "create" in PARTS:
        result["floor"] = floor(desk, place, cluster)
    if "departments" in PARTS and size == SIZES[0]:
        result["departments"] = departments(engine, max(size, min(SIZES[-1], 100_000)), folder, cluster)
    shutil.rmtree(place)


# Tables


def rows(title, results, part, bare="bare"):
    """One row for each run: requests/s and latencies at each size, the ratio to the bare route, and how the cost grows."""
    if not any(part in result for result in results.values()):
        return
    print(f"\n### {title}\n")
    print(
        "| | "
        + " | ".join(f"{size:,}: /s | p50 ms | p95 | p99 | to bare" for size in results)
        + " | cost, largest to smallest |"
    )
    print("|---|" + "---:|" * (5 * len(results) + 1))
    names = next(result[part] for result in results.values() if part in result)
    for name in names:
        cells, costs = [], []
        for result in results.values():
            run = result.get(part, {}).get(name)
            if not run or "rate" not in run:
                cells += [""] * 5
                continue
            ratio = result[bare]["rate"] / max(run["rate"], 0.1)
            costs.append(ratio)
            cells += [
                f"{run['rate']:,.0f}" + (f" ({run['bad']} failed)" if run["bad"] else ""),
                f"{run['p50']:.2f}",
                f"{run['p95']:.2f}",
                f"{run['p99']:.2f}",
                f"1/{ratio:.1f}",
            ]
        print(
            f"| {name} | " + " | ".join(cells) + f" | {costs[-1] / costs[0]:.2f} |"
            if len(costs) > 1
            else f"| {name} | " + " | ".join(cells) + " | |"
        )


def table(engine, results):
    print(f"\n## {engine}, 8 connections unless said, {SECONDS:g} s each\n")
    for size, result in results.items():
        print(
            f"{size:,} tickets: bare route {result['bare']['rate']:,.0f}/s, machine's load before {result['load']:.2f}; seeded in {result['seeded']:.1f} s; start {result['start']:.3f} s; {result['disk'] / 1024:.2f} KB on disk a ticket; "
            f"memory (PSS) idle {result['idle']:.0f} MB, after pages and team {result['memory']:.0f} MB"
            + (
                f", after 10,000 searches {result['memory after searches']:.0f} MB ({result['memory of its own']:.0f} without file pages)"
                if "memory after searches" in result
                else ""
            )
            + f", at the end {result['memory at the end']:.0f} MB\n"
        )
    rows("Pages", results, "pages")
    rows("Every list in every order", results, "lists")
    for size, result in results.items():
        if "lists" in result:
            agent = {
                name.removesuffix(", agent"): run["rate"]
                for name, run in result["lists"].items()
                if name.endswith(", agent")
            }
            others = {
                name.removesuffix(", administrator"): run["rate"]
                for name, run in result["lists"].items()
                if name.endswith(", administrator")
            }
            slowest = min(agent, key=agent.get)
            share = min(agent, key=lambda name: agent[name] / others[name])
            print(
                f"\n{size:,}: the slowest list of the agent is {slowest} with 1/{result['bare']['rate'] / agent[slowest]:.1f} of the bare route; the least share of the administrator's rate is {agent[share] / others[share]:.2f} ({share})."
            )
    rows("Searches, as the agent", results, "search")
    rows("A desk of 300 departments", results, "departments")
    rows("Writing", results, "create")
    for size, result in results.items():
        if "floor" in result:
            print(
                f"\n{size:,}: create to the bare statements at 1, 8 and 32 connections: "
                + " · ".join(
                    f"{result['create'][f'create {n}']['rate'] / result['floor'][f'floor {n}']['rate']:.2f}"
                    for n in (1, 8, 32)
                )
                + " (bare: "
                + " · ".join(f"{result['floor'][f'floor {n}']['rate']:,.0f}" for n in (1, 8, 32))
                + "/s)"
            )
        if "long" in result:
            print(
                f"\n{size:,}: a message in a ticket, first hundred {result['long']['message']['first']:.1f} ms, after 1,900 {result['long']['message']['last']:.1f} ms; "
                + "; ".join(
                    f"{name} {run['rate']:,.0f}/s, 1/{result['bare']['rate'] / run['rate']:.1f}"
                    for name, run in result["long"].items()
                    if "rate" in run
                )
            )
        if "lmtp" in result:
            print(
                f"\n{size:,}: mail by LMTP {result['lmtp']['rate']:,.0f}/s, p99 {result['lmtp']['p99']:.1f} ms; 1,000 messages by IMAP {result['fetch']:.1f} s; a message of {result['large']['bytes'] / 1e6:.0f} MB {result['large']['seconds']:.2f} s, memory at most {result['large']['peak']:.0f} MB"
            )
        if "worst" in result:
            w = result["worst"]
            print(
                f"\n{size:,}: while 8 agents repeat the dearest searches, another's list: p50 {w['beside']['p50']:.1f} ms, p99 {w['beside']['p99']:.1f} ms (alone {w['alone']['p50']:.1f}, {w['alone']['p99']:.1f}); /readyz p50 {w['ready']['p50']:.1f}, longest {w['ready']['max']:.0f} ms; searches {w['searches']['rate']:.0f}/s, p99 {w['searches']['p99']:.0f} ms, {w['searches']['bad']} refused"
            )
        for name in ("team", "team, 22,000 open"):
            if name in result:
                t = result[name]
                print(
                    f"\n{size:,}: {name}: {t['agents']} open lists, {t['rate']} tickets/s: page p50 {t['page p50']:.0f}, p99 {t['page p99']:.0f} ms; counts {t['counts p50']:.0f}, {t['counts p99']:.0f}; create {t['create p50']:.1f}, {t['create p99']:.1f}; {t['cpu']:.2f} of a core; memory {t['memory']:.0f} MB; {t['pages']} refreshes"
                )
    sys.stdout.flush()


def main():
    folder = Path(tempfile.mkdtemp(prefix="usher-bench-", dir=os.environ.get("BENCH_DIR")))
    cluster = Cluster(durable=True) if "postgres" in ENGINES else None
    every = {}
    try:
        for engine in ENGINES:
            results = every[engine] = {}
            for size in SIZES:
                try:
                    measure(engine, size, cluster, folder, results.setdefault(size, {}))
                finally:
                    print(json.dumps(results), file=sys.stderr)
            table(engine, results)
        for peer in filter(None, os.environ.get("PEERS", "").split(",")):
            subprocess.run([sys.executable, str(ROOT / f"Bench/peers/{peer}.py"), str(min(SIZES))], check=False)
    finally:
        if os.environ.get("BENCH_JSON"):
            Path(os.environ["BENCH_JSON"]).write_text(json.dumps(every))
        if cluster:
            cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
