"""Databases on bad days: empty, newer, away, silent, behind a pooler; the folder, the secret and the settings as an operator may leave them."""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import tempfile
import time

import pytest
import requests

from conftest import PASSWORD
from desk import USHER, Cluster, Desk, free_port, message, wait_for

KIM = "kim@harbour.example"
POSTGRES = pytest.mark.parametrize("engine", ["postgres"], indirect=True)
SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def run(desk, *arguments, input=b"", **environment):
    return subprocess.run(
        [USHER, *arguments], env={**desk.environment, **environment}, input=input, capture_output=True, timeout=60
    )


# an empty database, and a newer one

COMMANDS = {
    "migrate": (["migrate"], b"", 0),
    "check": (["check"], b"", 1),
    "intake": (["intake"], message(KIM, "Hello", "Words.").as_bytes(), 0),
    "agent": (["agent", "add", "--email", "ada@desk.example", "--name", "Ada"], b"", 0),
    "key": (["api-key", "add", "--name", "k"], b"", 0),
    "seed": (["seed", "--tickets", "5"], b"", 0),
}


@pytest.mark.parametrize("command", [*COMMANDS, "backup"])
def test_every_command_works_on_an_empty_database(new_desk, command, tmp_path):
    desk = new_desk()
    arguments, given, code = COMMANDS.get(command, (["backup", str(tmp_path / "copy")], b"", 0))
    done = run(desk, *arguments, input=given)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert b"statement(" not in done.stdout + done.stderr
    if command == "check":
        assert "usher migrate" in done.stdout.decode() or "no database yet" in done.stdout.decode()
        desk.cli("migrate")
        again = run(desk, "check")
        assert again.returncode == 0, again.stdout.decode()
    # What one command made, all others go on with.
    assert "up to date" in desk.cli("migrate").stdout.decode()


def test_every_command_refuses_a_newer_database_in_words(new_desk, tmp_path):
    desk = new_desk()
    desk.cli("migrate")
    desk.sql("INSERT INTO schema_migration (name, applied_at) VALUES ('999-future', 0)")
    for arguments, given, _ in [*COMMANDS.values(), (["backup", str(tmp_path / "copy")], b"", 1), (["serve"], b"", 1)]:
        done = run(desk, *arguments, input=given)
        assert done.returncode == (75 if arguments == ["intake"] else 1), (arguments, done)
        assert "newer" in (done.stdout + done.stderr).decode() and b"USHER_DATABASE" not in done.stderr, (
            arguments,
            done,
        )


# the database away


def statuses(desk, count, seconds=1.0):
    """What pages and calls are answered meanwhile: status, seconds, Retry-After."""
    answers, end = [], time.monotonic() + seconds
    lock = threading.Lock()

    def ask(worker):
        http = requests.Session()
        while time.monotonic() < end:
            began = time.monotonic()
            if worker % 2:
                answer = http.get(desk.url + "/kb", timeout=30)
            else:
                answer = http.post(
                    desk.url + "/api/v1/tickets",
                    json={"requester": {"email": KIM}, "subject": "x", "body": "y"},
                    headers={"Authorization": f"Bearer {desk.key}"},
                    timeout=30,
                )
            with lock:
                answers.append((answer.status_code, time.monotonic() - began, answer.headers.get("Retry-After")))

    workers = [threading.Thread(target=ask, args=(i,)) for i in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return answers


def expect_refused_soon(desk, clients):
    """Two seconds at most for each answer; some more for the test's own machine, on which sixty clients and the desk share two cores."""
    answers = statuses(desk, clients)
    assert {status for status, _, _ in answers} == {503}, set(answers)
    assert all(retry for _, _, retry in answers)
    slowest = max(took for _, took, _ in answers)
    assert slowest < 2.7, slowest
    began = time.monotonic()
    ready = requests.get(desk.url + "/readyz", timeout=10)
    assert ready.status_code == 503 and time.monotonic() - began < 1.5
    assert requests.get(desk.url + "/healthz", timeout=5).text == "ok"


def expect_work_again(desk, seconds=4):
    wait_for(lambda: requests.get(desk.url + "/readyz", timeout=5).status_code == 200, seconds)
    assert (
        desk.call("POST", "/tickets", {"requester": {"email": KIM}, "subject": "after", "body": "y"}).status_code == 201
    )


@pytest.fixture
def own_cluster():
    cluster = Cluster()
    yield cluster
    with contextlib.suppress(subprocess.CalledProcessError):
        cluster.stop("immediate")
    shutil.rmtree(cluster.folder, ignore_errors=True)


def processes(cluster):
    """All processes of a server, the first one first."""
    first = int((open(cluster.folder + "/data/postmaster.pid").readline()))
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True).stdout.split()
    return [first, *map(int, children)]


@pytest.mark.alone
def test_a_database_that_was_killed_is_said_within_two_seconds_and_found_again(tmp_path, own_cluster, sink):
    desk = Desk(tmp_path, "postgres", own_cluster, sink).start()
    try:
        desk.key
        assert statuses(desk, 8, 0.3)
        own_cluster.stop("immediate")
        expect_refused_soon(desk, 60)
        expect_refused_soon(desk, 4)
        own_cluster.start()
        expect_work_again(desk)
    finally:
        desk.stop()


@pytest.mark.alone
def test_a_frozen_database_is_said_within_two_seconds_and_the_desk_ends_when_told(tmp_path, own_cluster, sink):
    desk = Desk(tmp_path, "postgres", own_cluster, sink).start()
    frozen = []
    try:
        desk.key
        assert statuses(desk, 8, 0.3)
        frozen = processes(own_cluster)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        expect_refused_soon(desk, 60)
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        expect_work_again(desk)
        frozen = processes(own_cluster)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        requests.get(desk.url + "/kb", timeout=10)
        began = time.monotonic()
        desk.process.send_signal(signal.SIGTERM)
        desk.process.wait(15)
        assert time.monotonic() - began < 11
        desk.process = None
    finally:
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        desk.stop()


class Proxy:
    """Passes bytes on until it is told to swallow them: without an end, as a firewall does that forgot a line."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        self.silent = False
        self.deaf = set()
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            number = len(self.pairs)
            self.pairs.append((near, far))
            for a, b in [(near, far), (far, near)]:
                threading.Thread(target=self.pass_on, args=(a, b, number), daemon=True).start()

    def pass_on(self, a, b, number):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                if self.silent or number in self.deaf:
                    continue
                b.sendall(data)
            b.close()

    def forget(self):
        """The lines there are go dead; new ones work."""
        self.deaf = set(range(len(self.pairs)))

    def close(self):
        self.listener.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


@pytest.mark.alone
@POSTGRES
def test_lines_that_went_dead_are_noticed_without_an_end(new_desk, cluster):
    desk = new_desk()
    proxy = Proxy(cluster.port)
    desk.environment["USHER_DATABASE"] = f"postgres://usher@127.0.0.1:{proxy.port}/{desk.database}"
    desk.start()
    try:
        desk.key
        assert statuses(desk, 8, 0.3)
        # The lines alone: others are opened, and nobody sees more than a delay.
        proxy.forget()
        began = time.monotonic()
        answer = requests.get(desk.url + "/kb", timeout=20)
        assert answer.status_code in (200, 503) and time.monotonic() - began < 2.7, time.monotonic() - began
        expect_work_again(desk)
        # And the way to the server.
        proxy.silent = True
        expect_refused_soon(desk, 60)
        began = time.monotonic()
        desk.process.send_signal(signal.SIGTERM)
        desk.process.wait(15)
        assert time.monotonic() - began < 11
        desk.process = None
    finally:
        proxy.close()


@POSTGRES
def test_a_lock_that_others_hold_ends_in_words_and_holds_up_nobody_else(desk, cluster):
    desk.key
    holder = subprocess.Popen(
        [
            str(cluster.bin / "psql"),
            cluster.address(desk.database),
            "-X",
            "-c",
            "BEGIN; LOCK TABLE ticket IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(20)",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(
            lambda: desk.sql(
                "SELECT count(*) FROM pg_locks WHERE relation = 'ticket'::regclass AND mode = 'AccessExclusiveLock' AND granted"
            )[0][0]
            == "1"
        )
        began = time.monotonic()
        answer = desk.call("POST", "/tickets", {"requester": {"email": KIM}, "subject": "x", "body": "y"})
        assert answer.status_code == 503 and time.monotonic() - began < 9
        assert requests.get(desk.url + "/readyz", timeout=5).status_code == 200
    finally:
        holder.terminate()
        desk.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'ticket'::regclass AND mode = 'AccessExclusiveLock'"
        )


# searches that take too long


@contextlib.contextmanager
def locked_index(desk, cluster):
    """Every search by words has to wait meanwhile."""
    holder = subprocess.Popen(
        [
            str(cluster.bin / "psql"),
            cluster.address(desk.database),
            "-X",
            "-c",
            "BEGIN; LOCK TABLE ticket_text IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)",
        ],
        stdout=subprocess.DEVNULL,
    )
    held = "SELECT count(*) FROM pg_locks WHERE relation = 'ticket_text'::regclass AND mode = 'AccessExclusiveLock' AND granted"
    try:
        wait_for(lambda: desk.sql(held)[0][0] == "1")
        yield
    finally:
        holder.terminate()
        desk.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'ticket_text'::regclass AND mode = 'AccessExclusiveLock'"
        )


def searching(desk):
    """Searches that the server still works at: they wait for the lock."""
    return int(
        desk.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'"
        )[0][0]
    )


@POSTGRES
def test_a_search_ends_in_words_and_pages_do_not_wait_for_searches(desk, cluster):
    keys = [desk.cli("api-key", "add", "--name", f"k{i}", "--scope", "full").stdout.decode().strip() for i in range(8)]
    desk.key
    with locked_index(desk, cluster):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            began = time.monotonic()
            searches = [pool.submit(desk.call, "GET", "/tickets?query=printer", key=key) for key in keys]
            wait_for(lambda: searching(desk) > 0, 3)
            for _ in range(10):
                asked = time.monotonic()
                assert desk.call("GET", "/tickets").status_code == 200
                assert requests.get(desk.url + "/readyz", timeout=5).status_code == 200
                assert time.monotonic() - asked < 1
            answers = [search.result() for search in searches]
            assert time.monotonic() - began < 12
        assert {answer.status_code for answer in answers} <= {422, 503}
        slow = [answer for answer in answers if answer.status_code == 422]
        assert slow and all(
            answer.json()["title"] == "This search takes too long. Add a word or a date." for answer in slow
        )
        assert all(answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503)
        assert searching(desk) == 0


@POSTGRES
def test_nothing_goes_on_for_a_client_that_went_away(desk, cluster):
    desk.key
    with locked_index(desk, cluster):
        line = socket.create_connection(("127.0.0.1", int(desk.url.rsplit(":", 1)[1])))
        line.sendall(
            f"GET /api/v1/tickets?query=printer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.key}\r\n\r\n".encode()
        )
        wait_for(lambda: searching(desk) == 1, 3)
        line.close()
        # Before its own time would have been over.
        wait_for(lambda: searching(desk) == 0, 2)


# poolers


@contextlib.contextmanager
def pgbouncer(cluster, folder, mode, size):
    if not shutil.which("pgbouncer"):
        pytest.skip("no pgbouncer is installed")
    port = free_port()
    (folder / "users.txt").write_text('"usher" ""\n')
    (folder / "pgbouncer.ini").write_text(f"""
[databases]
* = host=127.0.0.1 port={cluster.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
auth_file = {folder}/users.txt
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
logfile = {folder}/pgbouncer.log
""".replace("* = host=127.0.0.1", "* = user=usher host=127.0.0.1"))
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "postgres", str(folder)], check=True)
        for parent in folder.parents:
            if str(parent).startswith(tempfile.gettempdir() + "/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    command = ["pgbouncer", str(folder / "pgbouncer.ini")]
    process = subprocess.Popen(
        ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 10)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.mark.parametrize("mode", ["session", "transaction"])
@POSTGRES
def test_behind_a_pooler_the_desk_works(new_desk, cluster, tmp_path, mode):
    desk = new_desk(USHER_DATABASE_POOL="6")
    (tmp_path / "pool").mkdir()
    with pgbouncer(cluster, tmp_path / "pool", mode, 20 if mode == "session" else 4) as port:
        desk.environment["USHER_DATABASE"] = f"postgres://usher@127.0.0.1:{port}/{desk.database}"
        desk.start()
        desk.add_agent("ada@desk.example", "Ada Lind")
        desk.key

        def create(i):
            number = desk.open(subject=f"subject {i}")["number"]
            desk.act(number, "claim", by="ada@desk.example")
            desk.post(
                f"/tickets/{number}/entries", {"kind": "reply", "body": "Switch it on.", "author": "ada@desk.example"}
            )
            return number, desk.ticket(number)["subject"]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(create, range(60)))
        assert (
            sorted(subject for _, subject in made) == sorted(f"subject {i}" for i in range(60))
            and len({n for n, _ in made}) == 60
        )
        done = run(desk, "check")
        assert (
            "polling" in done.stdout.decode()
            if mode == "transaction"
            else "LISTEN/NOTIFY) work" in done.stdout.decode() or "work (LISTEN/NOTIFY)" in done.stdout.decode()
        ), done.stdout.decode()
        direct = run(desk, "check", USHER_DATABASE_DIRECT=cluster.address(desk.database))
        assert "work (LISTEN/NOTIFY)" in direct.stdout.decode(), direct.stdout.decode()
        assert desk.intake(message(KIM, "By pipe", "x")).isdigit()
        assert desk.stop() == 0
        # Nothing of ours stays with a server connection that others get.
        left = cluster.sql(desk.database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert left == [["0"]]


@POSTGRES
def test_a_pool_smaller_than_wanted_serves_and_says_so(new_desk, cluster, tmp_path):
    desk = new_desk(USHER_DATABASE_POOL="10", USHER_DATABASE_DIRECT=cluster.address("x"))
    desk.environment["USHER_DATABASE_DIRECT"] = cluster.address(desk.database)
    (tmp_path / "pool").mkdir()
    with pgbouncer(cluster, tmp_path / "pool", "session", 4) as port:
        desk.environment["USHER_DATABASE"] = f"postgres://usher@127.0.0.1:{port}/{desk.database}"
        began = time.monotonic()
        desk.start()
        assert time.monotonic() - began < 12
        key = Desk.key.fget  # the key is made by another program, which needs a connection of its own
        desk.environment["USHER_DATABASE"] = cluster.address(desk.database)
        key(desk)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            made = list(
                pool.map(
                    lambda i: desk.call(
                        "POST", "/tickets", {"requester": {"email": KIM}, "subject": f"s{i}", "body": "y"}
                    ).status_code,
                    range(80),
                )
            )
        assert set(made) == {201}, made
        wait_for(lambda: "fewer connections than configured" in desk.log() and "USHER_DATABASE_POOL" in desk.log(), 10)
        assert requests.get(desk.url + "/readyz", timeout=5).status_code == 200


@POSTGRES
def test_of_several_hosts_the_one_that_answers_is_taken(new_desk, cluster):
    desk = new_desk()
    dead, silent = free_port(), socket.create_server(("127.0.0.1", 0))
    desk.environment["USHER_DATABASE"] = (
        f"postgres://usher@127.0.0.1:{dead},127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{cluster.port}/{desk.database}?connect_timeout=1"
    )
    desk.start()
    assert desk.open()["number"] == 100001
    silent.close()


# several nodes


@pytest.fixture
def nodes(new_desk):
    """Two servers of one desk."""
    first = new_desk(USHER_SECRET="a secret both nodes share")
    second = new_desk(USHER_SECRET="a secret both nodes share")
    second.environment["USHER_DATABASE"] = first.environment["USHER_DATABASE"]
    first.start(), second.start()
    return first, second


def signed_in(desk, address):
    http = requests.Session()
    csrf = re.search(r'name="csrf" value="([^"]+)"', http.get(desk.url + "/sign-in").text).group(1)
    answer = http.post(desk.url + "/sign-in", data={"csrf": csrf, "email": address, "password": PASSWORD})
    assert "/desk" in answer.url, answer.url
    return http


@POSTGRES
def test_news_reach_another_node_though_its_listener_was_just_lost(nodes, cluster):
    first, second = nodes
    first.add_agent("ada@desk.example", "Ada Lind", password=PASSWORD)
    number = first.open()["number"]
    http = signed_in(second, "ada@desk.example")
    page = http.get(second.url + f"/desk/tickets/{number}").text
    address = re.search(r'data-live="([^"]+)"', page).group(1).replace("&amp;", "&")
    heard = []

    def listen():
        with contextlib.suppress(requests.RequestException):
            for line in http.get(second.url + address, stream=True, timeout=60).iter_lines():
                if line.startswith(b"event: ticket"):
                    heard.append(time.monotonic())

    threading.Thread(target=listen, daemon=True).start()
    time.sleep(1)
    for attempt in range(4):
        before = len(heard)
        cluster.sql(
            first.database,
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{first.database}' AND pid <> pg_backend_pid()",
        )
        # A command beside the servers announces nothing; both ways must be heard.
        if attempt % 2:
            assert first.intake(message(KIM, f"Re: [#{number}] more", "And it beeps.")) == str(number)
        else:
            wait_for(
                lambda: first.call(
                    "POST", f"/tickets/{number}/entries", {"kind": "note", "body": "look", "author": "ada@desk.example"}
                ).status_code
                == 201
            )
        wait_for(lambda: len(heard) > before, 4)
        time.sleep(0.3)


@POSTGRES
def test_a_frozen_node_loses_the_mailboxes_to_another(nodes):
    first, second = nodes

    def lease():
        rows = first.sql("SELECT token, until FROM lease WHERE name = 'usher mailboxes'")
        return [int(value) for value in rows[0]] if rows else None

    # Whose it is shows when one of them is frozen: the holder's no longer renews it.
    wait_for(lease)
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    before = lease()
    time.sleep(2.5)
    holder, other = (second, first) if lease()[1] > before[1] else (first, second)
    other.process.send_signal(signal.SIGCONT)
    holder.process.send_signal(signal.SIGSTOP)
    token = lease()[0]
    assert wait_for(lambda: lease()[0] > token, 30, pause=0.2)
    taken = lease()[0]
    holder.process.send_signal(signal.SIGCONT)
    time.sleep(2.5)
    assert lease()[0] == taken


# the folder and the secret


@SQLITE
def test_a_second_server_on_the_same_files_is_refused_and_commands_are_not(new_desk):
    desk = new_desk().start()
    other = run(desk, "serve", USHER_LISTEN=f"127.0.0.1:{free_port()}")
    assert (
        other.returncode == 78
        and "another usher serve" in other.stderr.decode()
        and str(desk.process.pid) in other.stderr.decode()
    )
    assert desk.intake(message(KIM, "Beside", "x")).isdigit()
    desk.kill()
    desk.start()  # a kill leaves no lock behind


def test_what_is_kept_is_for_its_owner_only(new_desk):
    desk = new_desk()
    old = os.umask(0o022)
    try:
        desk.start()
        desk.open(attachments=[{"name": "a", "content": "YWJj"}])
        data = desk.folder / "data"
        assert data.stat().st_mode & 0o077 == 0
        loose = [
            p for p in data.rglob("*") if p.is_file() and p.parent.stat().st_mode & 0o077 and p.stat().st_mode & 0o077
        ]
        assert loose == []
        assert all(p.stat().st_mode & 0o077 == 0 for p in data.iterdir()), list(data.iterdir())
        # What an older version left open is closed, and said.
        desk.stop()
        data.chmod(0o755)
        for path in data.iterdir():
            path.chmod(0o755 if path.is_dir() else 0o644)
        desk.start()
        assert data.stat().st_mode & 0o077 == 0 and (data / "secret").stat().st_mode & 0o077 == 0
        assert "readable by other users" in desk.log()
    finally:
        os.umask(old)


def test_a_lost_secret_is_not_replaced_without_a_word(new_desk):
    desk = new_desk().start()
    desk.open()
    desk.stop()
    secret = desk.folder / "data" / "secret"
    kept = secret.read_text()
    for spoil in (
        secret.unlink,
        lambda: secret.write_text(""),
        lambda: secret.write_text("quite another secret of the right length"),
    ):
        spoil()
        done = run(desk, "serve")
        assert (
            done.returncode == 78 and "secret" in done.stderr.decode() and "--new-secret" in done.stderr.decode()
        ), done
        assert run(desk, "intake", input=message(KIM, "x", "y").as_bytes()).returncode == 75
        assert run(desk, "check").returncode == 1
        secret.write_text(kept)
    desk.start().stop()
    secret.unlink()
    desk.cli("migrate", "--new-secret")
    assert len(secret.read_text()) >= 32 and secret.stat().st_mode & 0o077 == 0
    desk.start()


def test_an_empty_secret_left_by_a_kill_is_made_anew_where_nothing_was_signed(new_desk):
    desk = new_desk()
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "secret").write_text("")
    desk.cli("migrate")
    desk.cli("agent", "add", "--email", "ada@desk.example", "--name", "Ada")
    assert len((desk.folder / "data" / "secret").read_text()) >= 32


def test_commands_that_start_together_agree_on_one_secret(new_desk):
    desk = new_desk()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda i: run(desk, "api-key", "add", "--name", f"k{i}"), range(6)))
    assert [d.stderr for d in done if d.returncode] == []
    assert [p.name for p in (desk.folder / "data").iterdir() if p.name.startswith("secret")] == ["secret"]


# settings


@SQLITE
def test_all_wrong_settings_are_named_together(new_desk):
    desk = new_desk()
    done = run(
        desk,
        "serve",
        USHER_LISSTEN="x",
        USHER_TRUSTED_PROXIES="nonsense, 10.0.0.1",
        LOG_LEVEL="loud",
        USHER_URL="help.example",
        USHER_DATABASE_POOL="many",
        USHER_DATABASE="mysql://x",
    )
    words = done.stderr.decode()
    assert done.returncode == 78
    for part in [
        "USHER_LISSTEN",
        "did you mean USHER_LISTEN?",
        "USHER_TRUSTED_PROXIES",
        "“nonsense”",
        "LOG_LEVEL",
        "USHER_URL",
        "USHER_DATABASE_POOL",
        "USHER_DATABASE:",
    ]:
        assert part in words, (part, words)
    assert "10.0.0.1" not in words
    assert run(desk, "check", USHER_LISSTEN="x").returncode == 1


@pytest.mark.parametrize(
    "content, code, part",
    [
        (b"", 0, ""),
        (b"# only a comment\n", 0, ""),
        (b"---\n", 0, ""),
        (b"# B\xfcro\nurl: https://help.example\n", 78, "UTF-8"),
        (b"just words", 78, "list of names"),
        (b"listten: 127.0.0.1:1\n", 78, "did you mean listen?"),
        (b"listen: [a, b]\n", 78, "one value"),
        (b"a: b: c\n", 78, "YAML"),
        (b"data: /elsewhere\n", 78, "USHER_DATA"),
        (None, 78, "cannot be read"),
    ],
)
@SQLITE
def test_a_settings_file_is_read_or_refused_never_passed_over(new_desk, content, code, part):
    desk = new_desk()
    folder = desk.folder / "data"
    folder.mkdir()
    if content is None:
        (folder / "usher.yaml").mkdir()  # nobody can read a folder as a file, root neither
    else:
        (folder / "usher.yaml").write_bytes(content)
    done = run(desk, "migrate")
    assert done.returncode == code and part in done.stderr.decode(), done
    assert code == 0 or not (folder / "usher.sqlite").exists()


@SQLITE
def test_where_it_cannot_listen_is_a_wrong_setting(new_desk):
    desk = new_desk()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(desk, "serve", USHER_LISTEN=f"127.0.0.1:{port}")
        assert done.returncode == 78 and "in use" in done.stderr.decode() and str(port) in done.stderr.decode()
        done = run(desk, "serve", USHER_LMTP_LISTEN=f"127.0.0.1:{port}")
        assert done.returncode == 78 and "USHER_LMTP_LISTEN" in done.stderr.decode()
    assert run(desk, "serve", USHER_LISTEN="nowhere.invalid:8080").returncode == 78
    assert run(desk, "serve", USHER_LISTEN="192.0.2.1:8080").returncode == 78


def test_a_database_that_refuses_is_told_from_one_that_is_away(new_desk, cluster):
    desk = new_desk()
    wrong = run(desk, "serve", USHER_DATABASE=f"postgres://usher@127.0.0.1:{cluster.port}/nowhere")
    assert (
        wrong.returncode == 78
        and "USHER_DATABASE" in wrong.stderr.decode()
        and "does not exist" in wrong.stderr.decode()
    )
    began = time.monotonic()
    away = run(desk, "serve", USHER_DATABASE=f"postgres://usher@127.0.0.1:{free_port()}/x")
    assert away.returncode == 1 and "cannot be reached" in away.stderr.decode() and time.monotonic() - began < 8


# looking at it


@SQLITE
def test_check_sees_damage_in_the_database_file(new_desk):
    desk = new_desk()
    desk.cli("seed", "--tickets", "200")
    file = desk.folder / "data" / "usher.sqlite"
    assert run(desk, "check").returncode == 0
    size = file.stat().st_size
    with open(file, "r+b") as f:
        f.seek(size // 2 // 4096 * 4096)
        f.write(os.urandom(40_000))
    done = run(desk, "check", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 1 and findings["ok"] is False
    assert any(
        f["advice"] and ("damaged" in f["what"] or "cannot be read" in f["what"] or "could not" in f["what"])
        for f in findings["findings"]
    ), findings


def test_check_sees_a_file_with_other_bytes(desk):
    for i in range(3):
        desk.open(attachments=[{"name": "a", "content": "QUFB" * (i + 1)}])
    done = run(desk, "check", "--full", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["ok"] is True, done.stdout
    plain = [p for p in (desk.folder / "data" / "blobs").rglob("*") if p.is_file() and not p.name.endswith(".gz")]
    victim = plain[0]
    victim.write_bytes(b"x" * victim.stat().st_size)
    done = run(desk, "check", "--full")
    assert done.returncode == 1 and "have changed" in done.stdout.decode()
    stray = desk.folder / "data" / "blobs" / "new" / "left-by-a-kill"
    stray.write_bytes(b"y" * 1000)
    os.utime(stray, (0, 0))
    assert "are no longer" in run(desk, "check").stdout.decode()


@SQLITE
def test_a_full_disk_is_neither_ready_nor_well(new_desk, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(small)], capture_output=True).returncode
        != 0
    ):
        pytest.skip("no file system of a fixed size can be mounted here")
    try:
        desk = new_desk(USHER_DATA=str(small / "data"))
        desk.start()
        with contextlib.suppress(OSError), open(small / "fill", "wb", buffering=0) as f:
            while f.write(b"x" * 4096):
                pass
        time.sleep(1.1)
        answer = requests.get(desk.url + "/readyz", timeout=5)
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        done = run(desk, "check")
        assert done.returncode == 1 and "Free some space" in done.stdout.decode()
        (small / "fill").unlink()
        wait_for(lambda: requests.get(desk.url + "/readyz", timeout=5).status_code == 200, 5)
        desk.stop()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
