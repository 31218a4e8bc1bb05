"""What all measurements share: the program under test, who asks, wrk, and what a process holds and used."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))
from desk import Cluster, free_port  # noqa: E402,F401

USHER = os.environ.get("USHER_BIN", str(ROOT / ".build/release/usher"))
FLOOR = os.environ.get("FLOOR_BIN", str(ROOT / ".build/release/floor"))
SECONDS = float(os.environ.get("SECONDS_EACH", "3"))
# Words that most seeded tickets have, and words that one in fifty has.
COMMON = ["printer", "invoice", "password", "laptop", "monitor", "refund", "shipment", "network"]
SELDOM = ["banisda", "colanet", "dewormling", "fixanley", "gamerton", "zestama", "hulanda", "pepolet"]


def wrk(port, mode, connections=8, seconds=None, **environment):
    seconds = seconds or SECONDS
    done = subprocess.run(
        [
            "wrk",
            "-t",
            str(min(2, connections)),
            "-c",
            str(connections),
            "-d",
            f"{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "-s",
            str(ROOT / "Bench/wrk.lua"),
            f"http://127.0.0.1:{port}/",
        ],
        env={**os.environ, "MODE": mode, **{k: str(v) for k, v in environment.items()}},
        capture_output=True,
        text=True,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line, done.stdout + done.stderr
    rate, p50, p95, p99, bad = map(float, line.split()[1:])
    return {"rate": rate, "p50": p50, "p95": p95, "p99": p99, "bad": int(bad)}


def many(port, asks, headers, connections=8):
    """Sends all of some requests, each once, over kept lines; a generator of (method, path, body)."""
    lock = threading.Lock()

    def line():
        http_line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                ask = next(asks, None)
            if ask is None:
                return
            method, path, body = ask
            http_line.request(method, path, body, headers)
            answer = http_line.getresponse()
            content = answer.read()
            assert answer.status < 500 or answer.status == 503, (path, answer.status, content[:300])

    workers = [threading.Thread(target=line) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


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
    process.wait(60)


def pss(process):
    """Megabytes of memory that are the process's own, shared pages by their share."""
    for line in open(f"/proc/{process.pid}/smaps_rollup"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def private(process):
    """Megabytes without the file's own pages, which the system takes back at will."""
    for line in open(f"/proc/{process.pid}/smaps_rollup"):
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) / 1024
    return 0


def cpu(process):
    """Seconds of processor time so far."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load():
    """Processes that ran or waited to run in the last minute."""
    return os.getloadavg()[0]


class Desk:
    """A desk with history: departments, agents of some of them, and tickets."""

    def __init__(self, engine, size, folder, cluster, departments=5):
        self.engine, self.size, self.cluster = engine, size, cluster
        self.folder = folder
        self.port, self.mail_port = free_port(), free_port()
        self.environment = {
            **os.environ,
            "USHER_DATA": str(folder / "data"),
            "USHER_LISTEN": f"127.0.0.1:{self.port}",
            "USHER_LMTP_LISTEN": f"127.0.0.1:{self.mail_port}",
            "USHER_METRICS_ALLOW": "127.0.0.1",
        }
        self.database = f"bench_{os.urandom(4).hex()}"
        if engine == "postgres":
            cluster.create(self.database)
            self.environment["USHER_DATABASE"] = cluster.address(self.database)
        self.process = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.cli("migrate")
        self.key = self.cli("api-key", "add", "--name", "bench", "--scope", "full").stdout.strip()
        self.start()
        self.departments = [item["name"] for item in self.call("GET", "/departments?limit=200")["items"]]
        for number in range(len(self.departments), departments):
            self.departments.append(self.call("POST", "/departments", {"name": f"Department {number + 1}"})["name"])
        # An outage of two years ago: many tickets have the word, and none since.
        self.old = min(3000, size // 30)
        self.requests(self.old, lambda n: f"old-{n}", "The blackout of last spring came back.")
        self.stop()
        begun = time.monotonic()
        self.cli("seed", "--tickets", str(size))
        self.seeded = time.monotonic() - begun
        self.agents = {}

    def cli(self, *arguments, input=None):
        done = subprocess.run([USHER, *arguments], env=self.environment, input=input, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def start(self):
        self.process, took = start([USHER, "serve"], self.environment, f"{self.url}/readyz")
        return took

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None

    def call(self, method, path, json_body=None):
        request = urllib.request.Request(
            self.url + "/api/v1" + path,
            json.dumps(json_body).encode() if json_body is not None else None,
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:300]}")

    def requests(self, count, who, text):
        """So many new tickets."""

        def asks():
            for n in range(count):
                yield "POST", "/api/v1/tickets", json.dumps(
                    {
                        "requester": {"email": f"{who(n)}@bench.example"},
                        "subject": "Scanner sends empty pages",
                        "body": text,
                    }
                )

        many(self.port, asks(), {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})

    def sql(self, statement):
        if self.engine == "postgres":
            return self.cluster.sql(self.database, statement)
        import sqlite3

        db = sqlite3.connect(self.folder / "data" / "usher.sqlite", timeout=30)
        try:
            with db:
                return db.execute(statement).fetchall()
        finally:
            db.close()

    def agent(self, name, role="agent", departments=()):
        """A session of a new agent, as a browser holds it."""
        email = f"{name}@bench.example"
        more = [word for department in departments for word in ("--department", department)]
        self.cli("agent", "add", "--email", email, "--name", name.title(), "--role", role, *more)
        return self.session(email)

    def session(self, email):
        token = os.urandom(16).hex()
        now = int(time.time() * 1000)
        self.sql(
            "INSERT INTO session (hash, agent_id, created_at, expires_at, browser) "
            f"SELECT '{hashlib.sha256(token.encode()).hexdigest()}', id, {now}, {now + 86_400_000}, 'bench' FROM agent WHERE email = '{email}'"
        )
        return token

    def numbers(self, query, limit=200):
        """Numbers of some tickets, newest first."""
        return [ticket["number"] for ticket in self.call("GET", f"/tickets?limit={limit}&query={query}")["items"]]

    def disk(self):
        if self.engine == "postgres":
            return int(self.cluster.sql(self.database, f"SELECT pg_database_size('{self.database}')")[0][0])
        return sum(file.stat().st_size for file in (self.folder / "data").glob("usher.sqlite"))
