"""A real desk for a test: the program, a database of its own, and a mail server that takes its mail."""

import email
import email.policy
import hashlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import requests
from aiosmtpd.controller import Controller

ROOT = Path(__file__).resolve().parents[2]
USHER = os.environ.get("USHER_BIN", str(ROOT / ".build/debug/usher"))
SHARED_MAIL = ROOT.parent / "shared" / "mail"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=15, pause=0.05):
    """Asks until the answer is true; the answer, or a failure that names what was waited for."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


class Sink:
    """An SMTP server that keeps what it takes, and refuses, defers or drops as told."""

    def __init__(self):
        self.messages = []
        self.mode = "take"
        self.lock = threading.Lock()
        self.port = free_port()
        self.controller = None
        self.open()

    def open(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, data_size_limit=64 << 20)
        self.controller.start()

    def close(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode == "refuse":
            return "550 5.1.1 no such mailbox"
        if self.mode == "defer":
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.lock:
            self.messages.append((envelope.mail_from, envelope.rcpt_tos[0], message))
        if self.mode == "drop":
            server.transport.abort()
            return "421 gone"
        return "250 OK"

    def to(self, address, containing=""):
        with self.lock:
            found = [m for _, to, m in self.messages if to.lower() == address.lower()]
        return [m for m in found if containing in str(m["Subject"]) or containing in body(m)]

    def wait(self, address, containing="", count=1, seconds=15):
        def enough():
            found = self.to(address, containing)
            return found if len(found) >= count else None

        try:
            return wait_for(enough, seconds)[-1]
        except AssertionError:
            raise AssertionError(
                f"no mail to {address} with {containing!r}; there are {[(to, str(m['Subject'])) for _, to, m in self.messages]}"
            )


def body(message):
    part = message.get_body(preferencelist=("plain",))
    return part.get_content() if part else ""


def link(message, path):
    """The first address in a mail that has the path."""
    found = re.search(r"https?://\S*" + path + r"\S*", body(message))
    assert found, body(message)
    return found.group(0)


class Cluster:
    """A PostgreSQL of our own in a temporary folder. It refuses to run as root, so it gets its own user there."""

    def __init__(self, durable=False):
        self.durable = durable
        self.bin = Path(next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))))
        # In memory where there is room: fsync stays on, as `usher check` wants it, and costs nothing.
        shared = Path("/dev/shm")
        self.in_memory = not durable and shared.is_dir() and shutil.disk_usage(shared).free > 2 << 30
        self.folder = tempfile.mkdtemp(prefix="usher-postgres-", dir=shared if self.in_memory else None)
        self.port = free_port()
        if os.geteuid() == 0:
            subprocess.run(["chown", "postgres", self.folder], check=True)
        self.run(
            "initdb",
            "-D",
            self.folder + "/data",
            "-U",
            "usher",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        self.start()

    def run(self, program, *arguments, **options):
        command = [str(self.bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--"] + command
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder, **options
        )

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=200 -c fsync={'on' if self.durable or self.in_memory else 'off'}"
        self.run("pg_ctl", "-D", self.folder + "/data", "-l", self.folder + "/log", "-w", "-o", options, "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.folder + "/data", "-w", "-m", mode, "stop")

    def address(self, database):
        return f"postgres://usher@127.0.0.1:{self.port}/{database}"

    def sql(self, database, statement):
        done = subprocess.run(
            [str(self.bin / "psql"), self.address(database), "-X", "-A", "-t", "-F", "\t", "-c", statement],
            check=True,
            capture_output=True,
            text=True,
        )
        return [line.split("\t") for line in done.stdout.splitlines() if line]

    def create(self, database):
        self.sql("postgres", f'CREATE DATABASE "{database}"')


class Desk:
    def __init__(self, folder, engine, cluster=None, sink=None, **settings):
        self.folder = Path(folder)
        self.engine = engine
        self.cluster = cluster
        self.sink = sink
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        # Whose rights the program has; nobody else's than ours unless a test says so.
        self.user = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "USHER_DATA": str(self.folder / "data"),
            "USHER_LISTEN": f"127.0.0.1:{self.port}",
            **{k: v for k, v in os.environ.items() if k.startswith("LLVM_") or k == "LD_LIBRARY_PATH"},
            **settings,
        }
        if engine == "postgres":
            self.database = "desk_" + os.urandom(6).hex()
            cluster.create(self.database)
            self.environment["USHER_DATABASE"] = cluster.address(self.database)
        if sink:
            self.environment["USHER_SMTP"] = f"smtp://127.0.0.1:{sink.port}"
        self._key = None

    # the program

    def start(self, *arguments, open_files=None):
        self.output = open(self.folder / "serve.log", "ab")
        limit = ["prlimit", f"--nofile={open_files}:{open_files}"] if open_files else []
        self.process = subprocess.Popen(
            [*limit, USHER, "serve", *arguments],
            env=self.environment,
            stdout=self.output,
            stderr=self.output,
            user=self.user,
        )

        def up():
            assert self.process.poll() is None, self.log()
            try:
                return requests.get(self.url + "/readyz", timeout=2).status_code == 200
            except requests.ConnectionError:
                return False

        wait_for(up, 30)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self):
        return (self.folder / "serve.log").read_text(errors="replace")

    def cli(self, *arguments, input=b"", check=True):
        done = subprocess.run(
            [USHER, *arguments], env=self.environment, input=input, capture_output=True, timeout=600, user=self.user
        )
        if check:
            assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done

    def intake(self, message, *arguments):
        raw = message if isinstance(message, bytes) else message.as_bytes()
        return self.cli("intake", *arguments, input=raw).stdout.decode().strip()

    # the API

    @property
    def key(self):
        if not self._key:
            self._key = self.cli("api-key", "add", "--name", "tests", "--scope", "full").stdout.decode().strip()
        return self._key

    def call(self, method, path, json=None, status=None, key=None, headers=None, **options):
        answer = requests.request(
            method,
            self.url + "/api/v1" + path,
            json=json,
            headers={"Authorization": f"Bearer {key or self.key}", **(headers or {})},
            timeout=30,
            **options,
        )
        if status is not None:
            assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer

    def get(self, path, **options):
        return self.call("GET", path, status=200, **options).json()

    def post(self, path, json=None, status=None, **options):
        answer = self.call("POST", path, json=json if json is not None else {}, status=status, **options)
        assert status or answer.status_code in (200, 201), (path, answer.status_code, answer.text)
        return answer.json()

    def patch(self, path, json):
        return self.call("PATCH", path, json=json, status=200).json()

    def act(self, number, action, status=200, **json):
        return self.post(f"/tickets/{number}/actions/{action}", json, status=status)

    def ticket(self, number):
        return self.get(f"/tickets/{number}")

    def events(self, number):
        return self.get(f"/tickets/{number}/events")["items"]

    def kinds(self, number):
        return [event["kind"] for event in self.events(number)]

    def entries(self, number):
        return self.get(f"/tickets/{number}/entries")["items"]

    def open(self, **fields):
        ticket = {
            "requester": {"email": "kim@harbour.example", "name": "Kim Ito"},
            "subject": "Scanner sends empty pages",
            "body": "Since this morning every page is white.",
            **fields,
        }
        return self.post("/tickets", ticket)

    def add_agent(self, address, name, role="agent", *departments, password=None):
        more = [word for department in departments for word in ("--department", department)]
        self.cli("agent", "add", "--email", address, "--name", name, "--role", role, *more)
        if password:
            # A hash says what it cost, and this one is cheap: the program built for tests takes seconds for a real one, at
            # each sign-in too. `agent add --password-stdin` makes a real one in test_backup.py.
            salt = os.urandom(16)
            key = hashlib.scrypt(password.encode(), salt=salt, n=16, r=8, p=1, dklen=32)
            self.sql(f"UPDATE agent SET password = 'scrypt$16${salt.hex()}${key.hex()}' WHERE email = '{address}'")

    # time: what is due at some moment is made due now

    def sql(self, statement):
        if self.engine == "postgres":
            return self.cluster.sql(self.database, statement)
        with sqlite3.connect(self.folder / "data" / "usher.sqlite", timeout=20) as db:
            return [list(map(str, row)) for row in db.execute(statement).fetchall()]

    def pass_time(self, number, hours):
        """Moves all that a ticket remembers into the past, as if so many hours had gone by."""
        milliseconds = int(hours * 3_600_000)
        for table, columns, key in [
            (
                "ticket",
                [
                    "created_at",
                    "updated_at",
                    "resolved_at",
                    "closed_at",
                    "last_message_at",
                    "last_reply_at",
                    "first_response_due_at",
                    "resolution_due_at",
                    "watch_at",
                ],
                "id",
            ),
            ("job", ["due_at"], "ticket_id"),
            ("outbox", ["created_at", "due_at"], "ticket_id"),
        ]:
            moves = ", ".join(f"{column} = {column} - {milliseconds}" for column in columns)
            self.sql(f"UPDATE {table} SET {moves} WHERE {key} = (SELECT id FROM ticket WHERE number = {number})")


def message(
    sender,
    subject="",
    text="",
    to="support@localhost",
    reply_to_message=None,
    message_id=None,
    html=None,
    files=(),
    **headers,
):
    """A mail as a person's program writes it; an answer keeps the thread of what it answers."""
    m = email.message.EmailMessage()
    m["From"] = sender
    m["To"] = to
    if reply_to_message is not None:
        m.replace_header("To", str(reply_to_message["Reply-To"] or reply_to_message["From"]))
        m["In-Reply-To"] = reply_to_message["Message-ID"]
        m["References"] = reply_to_message["Message-ID"]
        subject = subject or "Re: " + str(reply_to_message["Subject"])
    m["Subject"] = subject
    m["Message-ID"] = message_id or f"<{os.urandom(8).hex()}@customer.example>"
    for name, value in headers.items():
        m[name.replace("_", "-")] = value
    m.set_content(text)
    if html:
        m.add_alternative(html, subtype="html")
    for name, type_, content in files:
        main, sub = type_.split("/")
        m.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return m
