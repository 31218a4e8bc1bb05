"""What strangers may send: how much, how fast, on how many connections, and what it costs the desk."""

import base64
import os
import re
import smtplib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

MB = 1 << 20


def memory(desk):
    """Resident memory of the server, in MB."""
    with open(f"/proc/{desk.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


class Highest:
    """The most memory the server takes while something goes on, above what it took before."""

    def __init__(self, desk):
        self.desk, self.before, self.value = desk, memory(desk), 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.is_set():
            self.value = max(self.value, memory(self.desk) - self.before)
            self.ended.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def guest(desk, path="/tickets/new"):
    """A browser that opened a form, and the form's anti-forgery value."""
    session = requests.Session()
    page = session.get(desk.url + path).text
    return session, re.search(r'name="csrf" value="([^"]*)"', page).group(1)


def files_on_disk(desk):
    return sorted(path for path in (desk.folder / "data" / "blobs").rglob("*") if path.is_file())


def request_form(csrf, **more):
    return {
        "csrf": csrf,
        "name": "Kim Ito",
        "email": "kim@harbour.example",
        "subject": "Scanner",
        "body": "Every page is white.",
        **more,
    }


@pytest.mark.alone
@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/sign-in/link", "/tickets/new", "/desk/new", "/desk/tickets/1/entries", "/t/AAAA", "/survey/AAAA"],
)
def test_a_huge_form_is_refused_and_keeps_nobody_waiting(new_desk, path):
    desk = new_desk().start()
    body = b"a=" + b"%41" * (11 * MB)
    with Highest(desk) as highest, ThreadPoolExecutor(5) as pool:
        sent = [pool.submit(post, desk, path, body) for _ in range(4)]
        waits = []
        while not all(one.done() for one in sent):
            start = time.monotonic()
            assert requests.get(desk.url + "/healthz", timeout=10).text == "ok"
            waits.append(time.monotonic() - start)
    assert {one.result() for one in sent} <= {400, 401, 403, 404, 413}
    assert max(waits) < 1 and highest.value < 100, (max(waits), highest.value)


def post(desk, path, body):
    return requests.post(
        desk.url + path, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=60
    ).status_code


@pytest.mark.alone
def test_a_hundred_large_uploads_at_once_by_the_form(new_desk):
    desk = new_desk().start()
    content = os.urandom(20 * MB)

    def send(_):
        session, csrf = guest(desk)
        return session.post(
            desk.url + "/tickets/new",
            data=request_form(csrf),
            files={"attachments": ("scan.bin", content)},
            allow_redirects=False,
            timeout=300,
        ).status_code

    with Highest(desk) as highest, ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(send, range(60)))
    assert statuses.count(303) == 30 and statuses.count(429) == 30, statuses
    assert highest.value < 200, highest.value


@pytest.mark.alone
def test_large_uploads_at_once_by_the_api(new_desk):
    desk = new_desk().start()
    assert desk.key
    ticket = {
        "requester": {"email": "kim@harbour.example"},
        "subject": "Scanner",
        "body": "White pages",
        "attachments": [
            {
                "name": "scan.bin",
                "type": "application/octet-stream",
                "content": base64.b64encode(os.urandom(20 * MB)).decode(),
            }
        ],
    }
    with Highest(desk) as highest, ThreadPoolExecutor(30) as pool:
        key = {"Authorization": f"Bearer {desk.key}"}
        answers = list(
            pool.map(
                lambda _: requests.post(desk.url + "/api/v1/tickets", json=ticket, headers=key, timeout=300), range(30)
            )
        )
    statuses = [answer.status_code for answer in answers]
    # Some may be told to come again; nobody is told anything else.
    assert set(statuses) <= {201, 503} and statuses.count(201) >= 5, statuses
    assert all(answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503)
    assert highest.value < 200, highest.value


def test_a_refused_upload_leaves_nothing_on_the_disk(new_desk):
    desk = new_desk().start()
    session, csrf = guest(desk)
    before = files_on_disk(desk)
    file = {"attachments": ("scan.bin", os.urandom(3 * MB))}
    for data, status in [
        (request_form("forged"), 403),
        (request_form(csrf, email="nobody"), 422),
        (request_form(csrf, website="http://spam.example"), 303),
        ({key: value for key, value in request_form(csrf).items() if key != "csrf"}, 403),
    ]:
        answer = session.post(desk.url + "/tickets/new", data=data, files=file, allow_redirects=False)
        assert answer.status_code == status, (status, answer.status_code)
        assert files_on_disk(desk) == before, status
    answer = session.post(
        desk.url + "/tickets/new",
        data=request_form(csrf),
        files={"attachments": ("scan.bin", os.urandom(30 * MB))},
        allow_redirects=False,
    )
    assert answer.status_code == 413 and "Every page is white." in answer.text, "the words come back"
    assert files_on_disk(desk) == before
    assert (
        session.post(desk.url + "/tickets/new", data=request_form(csrf), files=file, allow_redirects=False).status_code
        == 303
    )
    assert len(files_on_disk(desk)) == len(before) + 1


def test_a_body_nobody_reads_ends_the_connection(new_desk):
    desk = new_desk().start()
    with socket.create_connection(("127.0.0.1", desk.port)) as line:
        line.sendall(b"POST /kb HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n")
        sent, piece = 0, b"x" * 65536
        line.settimeout(30)
        with pytest.raises((ConnectionError, TimeoutError)):
            while sent < 200_000_000:
                line.sendall(piece)
                sent += len(piece)
        assert sent < 100_000_000


@pytest.mark.alone
def test_a_body_that_drips_is_given_up(new_desk):
    desk = new_desk().start()
    with socket.create_connection(("127.0.0.1", desk.port)) as line:
        line.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        )
        start = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - start < 60:
                line.sendall(b"x")
                time.sleep(1)
        assert time.monotonic() - start < 45


@pytest.mark.alone
def test_idle_connections_shut_nobody_out(new_desk):
    desk = new_desk()
    desk.start(open_files=1024)
    idle = []
    try:
        for number in range(1200):
            line = socket.create_connection(("127.0.0.1", desk.port))
            if number % 3 == 1:
                line.sendall(b"GET / HTTP/1.1\r\nHost:")
            idle.append(line)
        start = time.monotonic()
        for _ in range(20):
            assert requests.get(desk.url + "/tickets/new", timeout=5).status_code == 200
        assert time.monotonic() - start < 5
        assert requests.get(desk.url + "/readyz", timeout=5).text == "ok"
    finally:
        for line in idle:
            line.close()


def test_only_this_machine_reads_the_metrics(new_desk):
    desk = new_desk().start()
    assert requests.get(desk.url + "/metrics").status_code == 200
    assert (
        requests.get(desk.url + "/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404
    ), "a proxy passed it on"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r.\r\n", b"\n.\r"])
def test_only_a_whole_line_end_ends_a_message(entrance, end):
    first = b"From: kim@harbour.example\r\nSubject: first\r\n\r\nwords" + end
    second = b"MAIL FROM:<eve@evil.example>\r\nRCPT TO:<support@localhost>\r\nDATA\r\nFrom: boss@corp.example\r\nSubject: smuggled\r\n\r\nwords\r\n.\r\n"
    with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
        server.docmd("LHLO", "proxy.example")
        server.docmd("MAIL", "FROM:<kim@harbour.example>")
        server.docmd("RCPT", "TO:<support@localhost>")
        assert server.docmd("DATA")[0] == 354
        server.send(first + second)
        assert server.getreply()[0] == 250
    (ticket,) = entrance.get("/tickets")["items"]
    assert ticket["subject"] == "first", "there is one message, whatever is in it"


@pytest.mark.alone
def test_ten_large_messages_at_once(entrance):
    lines = (base64.b64encode(os.urandom(57)) + b"\r\n") * (23 * MB // 78)
    mail = (
        b"From: kim@harbour.example\r\nSubject: scan %d\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=scan.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + lines
    )

    def send(number):
        with smtplib.LMTP("127.0.0.1", entrance.lmtp, timeout=120) as server:
            return server.sendmail("kim@harbour.example", ["support@localhost"], mail.replace(b"%d", b"%d" % number, 1))

    with Highest(entrance) as highest, ThreadPoolExecutor(10) as pool:
        assert list(pool.map(send, range(10))) == [{}] * 10
    assert len(entrance.get("/tickets")["items"]) == 10
    assert highest.value < 200, highest.value
