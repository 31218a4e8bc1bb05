#!/usr/bin/env python3
"""Measures the desk on loopback and prints one table: requests/s, latency, memory, start time, disk, ratios, growth.

    make bench                        10,000 and 100,000 tickets, SQLite and PostgreSQL
    SIZES=10000,1000000 make bench    other sizes
    ENGINES=sqlite make bench         one engine
"""
import base64
import http.cookiejar
import json
import multiprocessing
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))
from desk import Cluster, free_port  # noqa: E402
from mailserver import Dovecot  # noqa: E402

USHER = os.environ.get("USHER_BIN", str(ROOT / ".build/release/usher"))
FLOOR = os.environ.get("FLOOR_BIN", str(ROOT / ".build/release/floor"))
SIZES = [int(s) for s in os.environ.get("SIZES", "10000,100000").split(",")]
ENGINES = os.environ.get("ENGINES", "sqlite,postgres").split(",")
SECONDS = int(os.environ.get("SECONDS_EACH", "5"))
# Common and rare words of the seeded history, two at a time.
WORDS = "printer,invoice,password,banisda,colanet,dewormling,fixanley,gamerton,laptop,monitor,refund,shipment"


def wrk(port, mode, connections=8, seconds=SECONDS, **environment):
    done = subprocess.run(
        ["wrk", "-t", str(min(2, connections)), "-c", str(connections), "-d", f"{seconds}s", "-s", str(ROOT / "Bench/wrk.lua"), f"http://127.0.0.1:{port}/"],
        env={**os.environ, "MODE": mode, "WORDS": WORDS, **{k: str(v) for k, v in environment.items()}}, capture_output=True, text=True)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line, done.stdout + done.stderr
    rate, p50, p95, p99, bad = map(float, line.split()[1:])
    return {"rate": rate, "p50": p50, "p95": p95, "p99": p99, "bad": int(bad)}


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def start(command, environment, url):
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not answers(url):
        assert process.poll() is None, command
        time.sleep(0.005)
    return process, time.monotonic() - begun


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def numbers_of(port, key, query):
    """Numbers of some tickets, newest first: what may be answered."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/tickets?limit=200&query={query}", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return [ticket["number"] for ticket in json.load(answer)["items"]]


def sign_in(port, environment):
    """A session of an agent who sees everything, as a browser holds it."""
    subprocess.run(
        [USHER, "agent", "add", "--email", "bench@bench.example", "--name", "Bench", "--role", "administrator", "--password-stdin"],
        env=environment, input=b"a password for the bench", check=True, stdout=subprocess.DEVNULL)
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with browser.open(f"http://127.0.0.1:{port}/sign-in") as page:
        csrf = re.search(r'name="csrf" value="(\w+)"', page.read().decode()).group(1)
    fields = urllib.parse.urlencode({"csrf": csrf, "email": "bench@bench.example", "password": "a password for the bench"}).encode()
    browser.open(f"http://127.0.0.1:{port}/sign-in", fields).close()
    return next(cookie.value for cookie in jar if cookie.name == "usher_session")


def mail_in(port, worker, seconds):
    """One mail server's line: messages as fast as they are answered for; how many were kept, and how long each took."""
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
                "Content-Type: text/plain; charset=utf-8\r\n\r\nSince this morning every page comes out white.\r\n")
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
        times = sorted(t for worker in pool.starmap(mail_in, [(port, worker, seconds) for worker in range(connections)]) for t in worker)
    at = lambda share: times[int(len(times) * share)]
    return {"rate": len(times) / seconds, "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "bad": 0}


def large(port, process):
    """One message of 25 MB by LMTP: seconds until it is answered for, and the most memory the program ever held."""
    content = base64.encodebytes(os.urandom(19 << 20)).replace(b"\n", b"\r\n")
    message = (
        b"From: Kim <large@bench.example>\r\nTo: support@localhost\r\nSubject: A large file\r\nMessage-ID: <large@bench.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=scan.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + content + b"\r\n--b--\r\n")
    with smtplib.LMTP("127.0.0.1", port) as line:
        begun = time.monotonic()
        refused = line.sendmail("large@bench.example", ["support@localhost"], message)
        took = time.monotonic() - begun
    assert not refused, refused
    peak = next(int(row.split()[1]) / 1024 for row in open(f"/proc/{process.pid}/status") if row.startswith("VmHWM"))
    return {"bytes": len(message), "seconds": took, "peak": peak}


def fetch(port, key, count=1000):
    """Seconds from setting a mailbox up to its last message kept and flagged, on a real IMAP server."""
    server = Dovecot()
    try:
        with server.line() as line:
            for number in range(count):
                mail = f"From: Customer {number} <i{number}@bench.example>\r\nTo: fetched@bench.example\r\nSubject: Scanner {number}\r\nMessage-ID: <imap-{number}@bench.example>\r\n\r\nEvery page comes out white.\r\n"
                line.append("INBOX", "", None, mail.encode())
        mailbox = {"address": "fetched@bench.example", "fetch": "imap", "fetch_host": "127.0.0.1", "fetch_port": server.imap, "fetch_security": "plain", "fetch_user": "support", "fetch_password": server.password}
        begun = time.monotonic()
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/mailboxes", json.dumps(mailbox).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})).close()
        while len(server.numbers("SEEN")) < count:
            assert time.monotonic() - begun < 120, "fetching took too long"
            time.sleep(0.1)
        return time.monotonic() - begun
    finally:
        server.close()


def pss(process):
    for line in open(f"/proc/{process.pid}/smaps_rollup"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def measure(engine, size, cluster, folder):
    port = free_port()
    mail_port = free_port()
    environment = {**os.environ, "USHER_DATA": str(folder / "data"), "USHER_LISTEN": f"127.0.0.1:{port}", "USHER_LMTP_LISTEN": f"127.0.0.1:{mail_port}"}
    name = f"bench_{size}"
    if engine == "postgres":
        cluster.create(name)
        environment["USHER_DATABASE"] = cluster.address(name)
    begun = time.monotonic()
    subprocess.run([USHER, "seed", "--tickets", str(size)], env=environment, check=True, stdout=subprocess.DEVNULL)
    result = {"seed": time.monotonic() - begun}
    if engine == "sqlite":
        subprocess.run([USHER, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
        result["disk"] = sum(f.stat().st_size for f in (folder / "data").glob("usher.sqlite")) / size
    else:
        result["disk"] = int(cluster.sql(name, f"SELECT pg_database_size('{name}')")[0][0]) / size
    key = subprocess.run([USHER, "api-key", "add", "--name", "bench", "--scope", "full"], env=environment, check=True, capture_output=True, text=True).stdout.strip()
    process, result["start"] = start([USHER, "serve"], environment, f"http://127.0.0.1:{port}/readyz")
    common = {"KEY": key, "FIRST": 100001, "COUNT": size, "OPEN": ",".join(map(str, numbers_of(port, key, "state:active,resolved,closed")))}
    result["idle"] = pss(process)
    wrk(port, "list", seconds=1, **common)
    common["SESSION"] = sign_in(port, environment)
    for mode in ["page list", "page next", "page ticket", "page search", "page home", "page form"]:
        result[f"{mode} 8"] = wrk(port, mode, 8, **common)
    runs = [("bare", 8), ("list", 8), ("next", 8), ("ticket", 8), ("entries", 8), ("search", 8), ("create", 1), ("create", 8), ("reply", 8)]
    for mode, connections in runs:
        result[f"{mode} {connections}"] = wrk(port, mode, connections, **common)
    result["lmtp 8"] = lmtp(mail_port, 8, SECONDS)
    result["memory"] = pss(process)
    result["fetch"] = fetch(port, key)
    stop(process)
    # What one large message takes is seen in a program that has done nothing else.
    process, _ = start([USHER, "serve"], environment, f"http://127.0.0.1:{port}/readyz")
    time.sleep(0.5)
    result["large"] = large(mail_port, process)
    stop(process)

    port = free_port()
    floor = [FLOOR, str(port), str(folder), str(size)]
    if engine == "postgres":
        cluster.create(f"floor_{size}")
        floor.append(cluster.address(f"floor_{size}"))
    process, _ = start(floor, os.environ, f"http://127.0.0.1:{port}/bare")
    for connections in (1, 8):
        result[f"floor {connections}"] = wrk(port, "floor", connections)
    stop(process)
    return result


TITLES = [
    ("bare 8", "bare route"), ("list 8", "list, 50 newest"), ("next 8", "list, 50 next up"), ("ticket 8", "ticket"), ("entries 8", "conversation"), ("search 8", "search, 2 words"),
    ("page list 8", "page: list, 50 newest"), ("page next 8", "page: list, urgent first"), ("page ticket 8", "page: ticket"), ("page search 8", "page: search, 2 words"),
    ("page home 8", "page: portal home"), ("page form 8", "page: form"),
    ("create 1", "create, 1 connection"), ("create 8", "create, 8 connections"), ("floor 1", "bare statements, 1"), ("floor 8", "bare statements, 8"), ("reply 8", "reply"),
    ("lmtp 8", "mail by LMTP, 8 connections"),
]


def table(engine, results):
    print(f"\n{engine}, 8 connections unless said, {SECONDS} s each\n")
    print("| | " + " | ".join(f"{size:,} tickets: /s | p50 ms | p95 | p99 | to bare" for size in results) + " | cost, largest to smallest |")
    print("|---|" + "---:|" * (5 * len(results) + 1))
    for name, title in TITLES:
        cells = []
        for size, result in results.items():
            run, bare = result[name], result["bare 8"]["rate"]
            cells += [f"{run['rate']:,.0f}" + (f" ({run['bad']} failed)" if run["bad"] else ""), f"{run['p50']:.2f}", f"{run['p95']:.2f}", f"{run['p99']:.2f}", f"1/{bare / run['rate']:.1f}"]
        sizes = list(results)
        smallest, largest = results[sizes[0]], results[sizes[-1]]
        growth = (smallest[name]["rate"] / smallest["bare 8"]["rate"]) / (largest[name]["rate"] / largest["bare 8"]["rate"])
        print(f"| {title} | " + " | ".join(cells) + f" | {growth:.2f} |")
    print()
    for size, result in results.items():
        ratio = result["create 8"]["rate"] / result["floor 8"]["rate"]
        print(
            f"{size:,} tickets: create/bare statements {ratio:.2f}; seeded in {result['seed']:.1f} s; start {result['start']:.3f} s; "
            f"1,000 messages by IMAP {result['fetch']:.1f} s; a message of {result['large']['bytes'] / 1e6:.0f} MB {result['large']['seconds']:.2f} s, memory at most {result['large']['peak']:.0f} MB; "
            f"memory idle {result['idle']:.0f} MB, after the runs {result['memory']:.0f} MB (PSS); {result['disk'] / 1024:.2f} KB on disk a ticket")
    sys.stdout.flush()


def main():
    folder = Path(tempfile.mkdtemp(prefix="usher-bench-", dir=os.environ.get("BENCH_DIR")))
    cluster = Cluster(durable=True) if "postgres" in ENGINES else None
    try:
        for engine in ENGINES:
            results = {}
            for size in SIZES:
                place = folder / f"{engine}-{size}"
                place.mkdir()
                results[size] = measure(engine, size, cluster, place)
                shutil.rmtree(place)
            table(engine, results)
    finally:
        if cluster:
            cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
