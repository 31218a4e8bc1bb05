"""Bad input and faults: a clear answer, nothing lost, nothing doubled, nothing else stopped."""

import concurrent.futures
import json
import os
import socket
import subprocess
import threading
import time

import pytest
import requests

from desk import USHER, message, wait_for

KIM = "kim@harbour.example"


def test_every_wrong_field_is_named(desk):
    answer = desk.call(
        "POST",
        "/tickets",
        {"requester": {"email": "nobody"}, "subject": " ", "priority": "huge", "colour": "red", "topic": "Nothing"},
        status=422,
    )
    assert answer.headers["Content-Type"] == "application/problem+json"
    fields = {e["field"] for e in answer.json()["errors"]}
    assert fields == {"requester.email", "subject", "body", "priority", "colour"}
    answer = desk.call(
        "POST", "/tickets", {"requester": {"email": KIM}, "subject": "x", "body": "y", "topic": "Nothing"}, status=422
    )
    assert [e["field"] for e in answer.json()["errors"]] == ["topic"]
    assert desk.get("/tickets")["items"] == []


def test_what_is_too_large_is_refused_with_the_limit(desk):
    desk.patch("/settings", {"attachment_bytes": 1 << 20})
    file = {"name": "a.bin", "content": "QUFB" * 400_000}
    answer = desk.call(
        "POST",
        "/tickets",
        {"requester": {"email": KIM}, "subject": "x", "body": "y", "attachments": [file]},
        status=413,
    )
    assert answer.json()["limit"] == 1 << 20
    answer = desk.call("POST", "/tickets", data=b"x" * (5 << 20), status=413)
    assert answer.json()["limit"] > 1 << 20


def test_an_unknown_ticket_and_one_of_another_department_are_not_found_alike(staffed):
    desk = staffed
    desk.post("/departments", {"name": "Payroll"})
    number = desk.open(department="Payroll")["number"]
    unknown = desk.call("GET", "/tickets/999999", status=404)
    hidden = desk.call("GET", f"/tickets/{number}?by=ada@desk.example", status=404)
    assert unknown.json() == hidden.json()
    assert desk.get("/tickets?by=ada@desk.example")["items"] == []
    desk.call(
        "POST",
        f"/tickets/{number}/entries",
        {"kind": "reply", "body": "hello", "author": "ada@desk.example"},
        status=404,
    )
    desk.call("GET", "/tickets/abc", status=404)
    assert desk.ticket(number)["department"]["name"] == "Payroll"


def test_what_the_state_forbids_is_refused_with_what_it_allows(staffed):
    desk = staffed
    number = desk.open()["number"]
    answer = desk.call("POST", f"/tickets/{number}/actions/confirm", {}, status=409)
    assert "resolve" in answer.json()["allowed"] and "confirm" not in answer.json()["allowed"]
    desk.act(number, "close")
    allowed = desk.call("POST", f"/tickets/{number}/actions/claim", {"by": "ada@desk.example"}, status=409).json()[
        "allowed"
    ]
    assert "reopen" in allowed and "claim" not in allowed and "resolve" not in allowed
    desk.call("POST", f"/tickets/{number}/actions/dance", {}, status=404)


def test_a_viewer_reads_and_changes_nothing(staffed):
    desk = staffed
    desk.add_agent("vic@desk.example", "Vic", "viewer")
    number = desk.open()["number"]
    assert desk.get(f"/tickets/{number}?by=vic@desk.example")["number"] == number
    desk.act(number, "claim", status=403, by="vic@desk.example")
    desk.call(
        "POST", f"/tickets/{number}/entries", {"kind": "note", "body": "x", "author": "vic@desk.example"}, status=403
    )


def test_keys_open_what_their_scope_says(desk):
    create = desk.cli("api-key", "add", "--name", "form", "--scope", "tickets:create").stdout.decode().strip()
    work = desk.cli("api-key", "add", "--name", "bot", "--scope", "tickets").stdout.decode().strip()
    ticket = {"requester": {"email": KIM}, "subject": "x", "body": "y"}
    desk.call("POST", "/tickets", ticket, key=create, status=201)
    desk.call("GET", "/tickets", key=create, status=403)
    desk.call("GET", "/tickets", key=work, status=200)
    desk.call("POST", "/departments", {"name": "x"}, key=work, status=403)
    assert desk.call("GET", "/tickets", key="usher_wrong").headers["WWW-Authenticate"] == "Bearer"
    assert requests.get(desk.url + "/api/v1/tickets").status_code == 401
    kept = "\n".join(str(row) for row in desk.sql("SELECT hash FROM api_key"))
    assert create not in kept and create.removeprefix("usher_") not in kept
    assert create not in desk.log()


def test_two_replies_at_once_are_both_kept(staffed):
    desk = staffed
    number = desk.open()["number"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(
                lambda i: desk.call(
                    "POST",
                    f"/tickets/{number}/entries",
                    {"kind": "reply", "body": f"reply {i}", "author": ["ada", "ben"][i % 2] + "@desk.example"},
                ).status_code,
                range(16),
            )
        )
    assert done == [201] * 16
    assert sorted(e["text"] for e in desk.entries(number) if e["kind"] == "reply") == sorted(
        f"reply {i}" for i in range(16)
    )


def test_a_retry_with_the_same_key_is_harmless(desk):
    desk.key  # made before the threads, or each would be a client of its own
    ticket = {"requester": {"email": KIM}, "subject": "x", "body": "y"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        numbers = set(
            pool.map(
                lambda _: desk.call("POST", "/tickets", ticket, headers={"Idempotency-Key": "one"}, status=201).json()[
                    "number"
                ],
                range(8),
            )
        )
    assert len(numbers) == 1
    assert len(desk.get("/tickets")["items"]) == 1
    other = desk.call(
        "POST", "/tickets", {**ticket, "subject": "another"}, headers={"Idempotency-Key": "one"}, status=422
    )
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"


def test_kill_during_two_hundred_creates_loses_and_doubles_nothing(desk):
    answered, lock = {}, threading.Lock()
    session = threading.local()

    def create(i):
        if not hasattr(session, "http"):
            session.http = requests.Session()
        try:
            answer = session.http.post(
                desk.url + "/api/v1/tickets",
                json={"requester": {"email": f"c{i}@harbour.example"}, "subject": f"request {i}", "body": "x"},
                headers={"Authorization": f"Bearer {desk.key}"},
                timeout=10,
            )
        except requests.RequestException:
            return
        if answer.status_code == 201:
            with lock:
                answered[answer.json()["number"]] = i

    desk.key
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        for i in range(200):
            pool.submit(create, i)
        wait_for(lambda: len(answered) >= 40, pause=0.001)
        desk.kill()
    assert answered
    desk.start()
    rows = desk.sql(
        "SELECT number, subject, (SELECT count(*) FROM entry WHERE ticket_id = ticket.id), (SELECT count(*) FROM ticket_event WHERE ticket_id = ticket.id AND kind = 'opened'), (SELECT count(*) FROM outbox WHERE ticket_id = ticket.id) FROM ticket"
    )
    kept = {int(row[0]): row for row in rows}
    for number, i in answered.items():
        assert kept[number][1] == f"request {i}"
    assert len({row[1] for row in rows}) == len(rows)
    assert all(row[2:] == ["1", "1", "1"] for row in rows), rows


def test_the_same_message_at_once_through_two_channels_is_one_ticket(desk, sink):
    raw = message(f"Kim <{KIM}>", "Once", "Only once, please.").as_bytes()
    desk.key

    def pipe(_):
        return desk.cli("intake", input=raw).stdout.decode().strip()

    def post(_):
        return requests.post(desk.url + "/api/tickets.email", data=raw, headers={"X-API-Key": desk.key}).text

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: (pipe if i % 2 else post)(i), range(8)))
    assert {a.replace("duplicate: ", "") for a in answers} == {"100001"} and answers.count("100001") >= 1, answers
    assert len(desk.get("/tickets")["items"]) == 1
    sink.wait(KIM, "[#100001]")
    time.sleep(1.5)
    assert len(sink.to(KIM)) == 1


def test_mail_waits_while_the_mail_server_is_down_and_goes_when_it_is_back(desk, sink):
    sink.close()
    number = desk.open()["number"]
    waiting = wait_for(
        lambda: [d for d in desk.get(f"/tickets/{number}/deliveries")["items"] if d["state"] == "deferred"]
    )
    assert waiting[0]["error"] and waiting[0]["next_attempt_at"]
    assert desk.open(subject="nothing else stops")["number"] == number + 1
    sink.open()
    mail = sink.wait(KIM, f"[#{number}]", seconds=30)
    assert mail["Message-ID"]
    wait_for(lambda: desk.get(f"/tickets/{number}/deliveries")["items"][0]["state"] == "sent")


def test_a_refused_reply_is_shown_and_told_to_its_author(staffed, sink):
    desk = staffed
    number = desk.open(notify=False)["number"]
    sink.mode = "refuse"
    desk.post(f"/tickets/{number}/entries", {"kind": "reply", "body": "Hello", "author": "ada@desk.example"})
    failed = wait_for(
        lambda: [
            d
            for d in desk.get(f"/tickets/{number}/deliveries")["items"]
            if d["kind"] == "reply" and d["state"] == "failed"
        ]
    )
    assert failed[0]["to"] == KIM and failed[0]["error"]
    sink.mode = "take"
    wait_for(lambda: "delivery_failed" in desk.kinds(number))
    assert [
        d
        for d in desk.get(f"/tickets/{number}/deliveries")["items"]
        if d["kind"] == "undelivered" and d["to"] == "ada@desk.example"
    ]


def test_a_server_that_drops_after_the_last_dot_gets_at_most_two_copies_under_one_id(desk, sink):
    sink.mode = "drop"
    number = desk.open()["number"]
    wait_for(lambda: len(sink.to(KIM)) >= 2, 30)
    wait_for(lambda: desk.get(f"/tickets/{number}/deliveries")["items"][0]["state"] == "unknown", 30)
    copies = sink.to(KIM)
    assert len(copies) == 2 and len({m["Message-ID"] for m in copies}) == 1


def test_sigterm_ends_with_zero_and_wrong_settings_with_78_and_all_mistakes(new_desk):
    desk = new_desk().start()
    assert desk.stop() == 0
    wrong = {
        **desk.environment,
        "USHER_LISTEN": "nowhere",
        "USHER_URL": "ftp://x",
        "USHER_SMTP": "mail",
        "USHER_SECRET": "short",
    }
    done = subprocess.run([USHER, "serve"], env=wrong, capture_output=True, text=True, timeout=20)
    assert done.returncode == 78
    for name in ["USHER_LISTEN", "USHER_URL", "USHER_SMTP", "USHER_SECRET"]:
        assert name in done.stderr


def test_settings_are_read_from_files_and_from_yaml(new_desk, tmp_path):
    desk = new_desk()
    secret = tmp_path / "secret"
    secret.write_text("a secret of some length\n")
    desk.environment["USHER_SECRET_FILE"] = str(secret)
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "usher.yaml").write_text("url: https://help.harbour.example\n")
    desk.start()
    number = desk.open()["number"]
    assert desk.ticket(number)["url"] == f"https://help.harbour.example/desk/tickets/{number}"
    assert "support@help.harbour.example" in desk.sink.wait(KIM)["From"]
    assert not (desk.folder / "data" / "secret").exists()


def test_an_empty_message_exits_65(desk):
    assert desk.cli("intake", check=False).returncode == 65
    assert desk.cli("intake", input=b"\r\n\r\n", check=False).returncode == 65


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True).returncode
        != 0
    ):
        pytest.skip("no file system of a fixed size can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_503_or_75_and_no_half_ticket(new_desk, small_disk):
    desk = new_desk(USHER_DATA=str(small_disk / "data"))
    desk.start()
    desk.key
    file = {"name": "a.bin", "content": "QUFB" * 100_000}
    for i in range(60):
        file["content"] = "QUFB" * (100_000 + i)
        answer = desk.call(
            "POST", "/tickets", {"requester": {"email": KIM}, "subject": f"t {i}", "body": "y", "attachments": [file]}
        )
        if answer.status_code != 201:
            break
    assert answer.status_code == 503 and answer.headers["Retry-After"], answer.text
    assert "disk" not in answer.text and "/" not in answer.json()["title"]
    big = message(KIM, "Full", "x", files=[("b.bin", "application/octet-stream", os.urandom(3 << 20))])
    assert desk.cli("intake", input=big.as_bytes(), check=False).returncode == 75
    if desk.engine == "sqlite":
        halves = requests.get(
            desk.url + "/api/v1/tickets?limit=200", headers={"Authorization": f"Bearer {desk.key}"}
        ).json()["items"]
        assert len(halves) == i and all(t["subject"] != "Full" for t in halves)
    # Room again: work goes on.
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    wait_for(
        lambda: desk.call(
            "POST", "/tickets", {"requester": {"email": KIM}, "subject": "after", "body": "y", "attachments": [file]}
        ).status_code
        == 201
    )
    assert desk.cli("intake", input=big.as_bytes()).stdout.decode().strip().isdigit()


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
def test_postgres_restarted_under_load_loses_nothing_acknowledged(desk, cluster):
    desk.key
    answered, stop = [], threading.Event()
    faults = []

    def create(worker):
        http, i = requests.Session(), 0
        while not stop.is_set():
            i += 1
            try:
                answer = http.post(
                    desk.url + "/api/v1/tickets",
                    json={"requester": {"email": KIM}, "subject": f"{worker}-{i}", "body": "x"},
                    headers={"Authorization": f"Bearer {desk.key}"},
                    timeout=20,
                )
            except requests.RequestException as error:
                faults.append(str(error))
                continue
            if answer.status_code == 201:
                answered.append((answer.json()["number"], f"{worker}-{i}"))
            else:
                faults.append(answer.status_code)

    workers = [threading.Thread(target=create, args=(w,)) for w in range(6)]
    for w in workers:
        w.start()
    time.sleep(1)
    cluster.stop("immediate")
    time.sleep(1)
    cluster.start()
    before = len(answered)
    wait_for(lambda: len(answered) > before + 50, 30)
    stop.set()
    for w in workers:
        w.join()
    assert [f for f in faults if f != 503] == [], desk.log()
    kept = dict(desk.sql("SELECT number, subject FROM ticket"))
    for number, subject in answered:
        assert kept[str(number)] == subject
    assert requests.get(desk.url + "/readyz").status_code == 200


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a":' * 5000,
        b"[" * 100_000,
        b'{"subject": "\\ud800"}',
        b'{"subject": "\x00"}',
        b"\xff\xfe\x00{",
        b'{"requester": {"email": {"email": 1}}}',
        b'{"requester": 5, "subject": [], "body": {}, "attachments": 1, "tags": {}, "fields": []}',
        b'{"subject": 1e999}',
        b'{"subject":"a","subject":"b"}',
        json.dumps({"requester": {"email": "a@b\x00.example"}, "subject": "x", "body": "y"}).encode(),
        json.dumps({"requester": {"email": KIM}, "subject": "x", "body": "y", "topic": 10**30}).encode(),
        json.dumps(
            {
                "requester": {"email": KIM},
                "subject": "x",
                "body": "y",
                "attachments": [{"name": "a", "content": "\u00e9"}],
            }
        ).encode(),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_hostile_json_is_a_clear_4xx(desk, payload):
    answer = desk.call("POST", "/tickets", data=payload)
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "application/problem+json" and answer.json()["title"]
    assert desk.get("/tickets")["items"] == []


def test_nul_and_controls_in_text_are_kept_out_of_it(desk):
    number = desk.open(subject="a\u0000b\u0007c\nd", body="x\u0000y\u0001z\u202e")["number"]
    assert desk.ticket(number)["subject"] == "a b c d"
    assert desk.entries(number)[0]["text"].startswith("xyz")


def raw_request(desk, request):
    with socket.create_connection(("127.0.0.1", desk.port), timeout=3) as s:
        try:
            s.sendall(request)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass  # refused before all was sent
        try:
            return s.recv(65536)
        except ConnectionResetError:
            return b"reset"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_hostile_headers_are_refused_and_the_desk_goes_on(desk):
    big = raw_request(desk, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * (10 << 20) + b"\r\n\r\n")
    assert big == b"reset" or big == b"" or big.startswith(b"HTTP/1.1 4"), big[:80]
    for request in [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n",
        b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ]:
        answer = raw_request(desk, request)
        assert answer in (b"", b"reset") or answer.startswith(b"HTTP/1.1 4"), answer[:80]
    assert requests.get(desk.url + "/healthz").text == "ok"


def nested(depth):
    parts = [f'Content-Type: multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\n' for i in range(depth)]
    return (
        "From: kim@harbour.example\r\nSubject: nested\r\n"
        + "".join(parts)
        + "Content-Type: text/plain\r\n\r\nhello\r\n"
    ).encode()


@pytest.mark.parametrize(
    "name, raw",
    [
        ("deep nesting", nested(1000)),
        ("ten megabytes of header", b"From: kim@harbour.example\r\nX: " + b"a" * (10 << 20) + b"\r\n\r\nhello"),
        ("NULs", b"From: kim@harbour.example\r\nSubject: a\x00b\r\n\r\nx\x00y"),
        ("no header", b"just some words"),
        ("only NULs", b"\x00" * 1000),
        (
            "lone surrogates",
            b"From: kim@harbour.example\r\nSubject: =?utf-8?B?7aCA?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xed\xa0\x80 hello",
        ),
        (
            "ten thousand parts",
            b"From: kim@harbour.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10_000,
        ),
        (
            "unknown charset",
            b"From: kim@harbour.example\r\nContent-Type: text/plain; charset=klingon-8\r\n\r\nnuqneH \xe9",
        ),
        ("a broken sender", b"From: <<<>>>\r\nSubject: who\r\n\r\nhello"),
        ("no sender", b"Subject: who\r\n\r\nhello"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"], indirect=True)
def test_hostile_mail_is_kept(desk, name, raw):
    number = desk.intake(raw)
    assert number == "100001", number
    [entry] = desk.entries(number)
    assert entry["text"]
    assert requests.get(desk.url + "/healthz").text == "ok"


@pytest.mark.parametrize("direction", ["sqlite to postgres", "postgres to sqlite"])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_backup_moves_the_desk_to_the_other_engine(tmp_path, sink, cluster, direction, engine):
    from desk import Desk

    first, second = direction.split(" to ")
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    old = Desk(tmp_path / "a", first, cluster, sink).start()
    try:
        old.add_agent("ada@desk.example", "Ada Lind")
        number = old.intake(
            message(f"Kim Ito <{KIM}>", "Grüße 漢字", "Scanner", files=[("ä.txt", "text/plain", b"\x00\xffbytes")])
        )
        old.act(number, "claim", by="ada@desk.example")
        old.post(
            f"/tickets/{number}/entries", {"kind": "note", "body": "hidden elephant", "author": "ada@desk.example"}
        )
        old.act(number, "resolve", body="Done so.", by="ada@desk.example")
        mail = sink.wait(KIM, "Done so.")
        old.cli("seed", "--tickets", "300")
        before = (
            old.ticket(number),
            old.events(number),
            old.entries(number),
            old.get("/tickets?limit=200&query=state:active"),
        )
        file = tmp_path / "desk.usher"
        old.cli("backup", str(file))
        assert file.stat().st_mode & 0o077 == 0
    finally:
        old.stop()
    new = Desk(tmp_path / "b", second, cluster, sink)
    new.environment["USHER_LISTEN"] = old.environment["USHER_LISTEN"]
    new.port, new.url, new._key = old.port, old.url, old._key
    try:
        new.cli("restore", str(file))
        new.start()
        after = (
            new.ticket(number),
            new.events(number),
            new.entries(number),
            new.get("/tickets?limit=200&query=state:active"),
        )
        assert after == before
        assert [t["number"] for t in new.get("/tickets?query=elephant")["items"]] == [int(number)]
        attachment = new.entries(number)[0]["attachments"][0]
        assert (
            requests.get(attachment["url"], headers={"Authorization": f"Bearer {new.key}"}).content == b"\x00\xffbytes"
        )
        # Links and tokens of mails already sent still hold, and numbers go on.
        assert new.intake(message(KIM, text="Not yet!", reply_to_message=mail)) == number
        assert new.open()["number"] > 100301
        assert new.cli("restore", str(file), check=False).returncode == 1
    finally:
        new.stop()


def test_check_says_what_is_wrong(desk):
    done = desk.cli("check", check=False)
    assert done.returncode == 0, done.stdout
    desk.open(attachments=[{"name": "a", "content": "YWJj"}])
    for path in (desk.folder / "data" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    done = desk.cli("check", check=False)
    assert done.returncode == 1 and "missing" in done.stdout.decode()
    # The words stay readable.
    assert desk.entries(100001)[0]["text"]


def test_operators_see_health_and_figures(desk):
    assert requests.get(desk.url + "/healthz").text == "ok"
    desk.open()
    text = requests.get(desk.url + "/metrics").text
    assert 'usher_http_requests_total{method="POST",route="/api/v1/tickets",status="2xx"} 1' in text
    for name in [
        "usher_http_request_duration_seconds_bucket",
        "usher_outbox_oldest_seconds",
        "usher_jobs ",
        "usher_database_commits_total",
    ]:
        assert name in text
