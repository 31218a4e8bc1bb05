"""Backups that prove themselves, restored desks that keep still, and outgoing mail on bad days."""

import os
import socket
import sqlite3
import subprocess
import threading
import time

import requests

from desk import USHER, Desk, Sink, wait_for

KIM = "kim@harbour.example"


def test_a_damaged_backup_is_refused_and_nothing_is_written(desk, new_desk, tmp_path):
    desk.open(attachments=[{"name": "a.bin", "content": "QUJD" * 5000}])
    file = tmp_path / "desk.usher"
    desk.cli("backup", str(file))
    assert not (tmp_path / "desk.usher.part").exists()
    whole = file.read_bytes()
    new = new_desk()
    cut = tmp_path / "cut.usher"
    for bad in [
        whole[: len(whole) // 2 // 512 * 512],
        whole[:-1024],
        whole[:1536] + bytes(512) + whole[2048:],
        whole + b"x",
        b"",
        b"x" * 4096,
    ]:
        cut.write_bytes(bad)
        done = new.cli("restore", str(cut), check=False)
        assert done.returncode == 1 and b"isn't a complete backup" in done.stderr, done
    done = desk.cli("backup", str(tmp_path), check=False)
    assert done.returncode == 1 and b"is a folder" in done.stderr
    assert not os.path.exists(str(tmp_path) + ".part")
    new.cli("restore", str(file))
    new.start()
    assert new.ticket(100001)["subject"]


def test_a_restore_with_another_secret_or_under_a_running_desk_writes_nothing(desk, new_desk, tmp_path):
    desk.open()
    file = tmp_path / "desk.usher"
    desk.cli("backup", str(file))
    new = new_desk(USHER_SECRET="another secret than theirs")
    done = new.cli("restore", str(file), check=False)
    assert done.returncode == 1 and b"USHER_SECRET is not the secret of this backup" in done.stderr, done
    assert new.sql("SELECT count(*) FROM ticket") == [["0"]]
    del new.environment["USHER_SECRET"]
    new.start()
    done = new.cli("restore", str(file), check=False)
    assert done.returncode == 1 and b"is running" in done.stderr, done
    new.stop()
    new.cli("restore", str(file))
    new.start()
    assert new.ticket(100001)["subject"]


def test_a_restore_that_ends_after_its_last_step_leaves_a_desk_that_starts(desk, new_desk, tmp_path):
    """Killed at ever later moments: it can be begun again, or the desk is whole and signs as before."""
    for _ in range(3):
        desk.open()
    file = tmp_path / "desk.usher"
    desk.cli("backup", str(file))
    filled = False
    for hundredths in range(5, 400, 15):
        new = new_desk()
        process = subprocess.Popen([USHER, "restore", str(file)], env=new.environment, user=new.user)
        try:
            process.wait(hundredths / 100)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            is_filled = new.sql("SELECT count(*) FROM ticket") == [["3"]]
        except (sqlite3.Error, subprocess.CalledProcessError):
            is_filled = False
        if is_filled:
            filled = True
            if process.returncode == 0:
                break
        else:
            new.cli("restore", str(file))
        new.cli("check")
        assert new.sql("SELECT count(*) FROM ticket") == [["3"]]
    assert filled


def test_a_restored_desk_keeps_still_until_it_goes_live(desk, sink, new_desk, tmp_path):
    desk.cli(
        "agent",
        "add",
        "--email",
        "mara@desk.example",
        "--name",
        "Mara",
        "--role",
        "administrator",
        "--password-stdin",
        input=b"a long password",
    )
    number = desk.open()["number"]
    sink.wait(KIM)
    sink.mode = "defer"
    desk.post(f"/tickets/{number}/entries", {"kind": "reply", "body": "Waiting words.", "author": "mara@desk.example"})
    wait_for(lambda: any(row[0] == "deferred" for row in desk.sql("SELECT state FROM outbox")))
    file = tmp_path / "desk.usher"
    desk.cli("backup", str(file))
    desk.stop()
    sink.mode = "take"
    new = new_desk()
    assert b"restored copy" in new.cli("restore", str(file)).stdout
    new._key = desk._key
    new.start()
    before = len(sink.messages)
    new.open(requester={"email": "lee@corner.example"}, subject="Asked of the copy")
    time.sleep(3)
    assert len(sink.messages) == before
    # Every page of the workspace says so, and one press ends it.
    web = requests.Session()
    page = web.get(new.url + "/sign-in").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    web.post(new.url + "/sign-in", data={"csrf": csrf, "email": "mara@desk.example", "password": "a long password"})
    for path in ["/desk", f"/desk/tickets/{number}", "/admin", "/admin/outbox", "/desk/people"]:
        assert "restored copy" in web.get(new.url + path).text, path
    page = web.get(new.url + "/admin/go-live").text
    assert KIM in page
    csrf = page.split('action="/admin/go-live"')[-1].split('name="csrf" value="')[1].split('"')[0]
    answer = web.post(new.url + "/admin/go-live", data={"csrf": csrf, "waiting": "hold"})
    assert answer.status_code == 200 and "restored copy" not in answer.text and "Held back" in answer.text
    sink.wait("lee@corner.example")
    assert not sink.to(KIM, "Waiting words.")


def test_restore_live_sends_what_waited_when_told(desk, sink, new_desk, tmp_path):
    sink.mode = "defer"
    desk.open()
    wait_for(lambda: any(row[0] == "deferred" for row in desk.sql("SELECT state FROM outbox")))
    file = tmp_path / "desk.usher"
    desk.cli("backup", str(file))
    desk.stop()
    sink.mode = "take"
    new = new_desk()
    assert b"the desk is live" in new.cli("restore", str(file), "--live", "--send-waiting").stdout
    new.start()
    sink.wait(KIM)
    assert new.cli("restore", "--live", check=False).returncode == 1


class SlowSink(Sink):
    """Waits at RCPT for one domain, as a tarpit or a callout does."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.endswith("@tarpit.example"):
            import asyncio

            await asyncio.sleep(20)
        return await super().handle_RCPT(server, session, envelope, address, options)


def test_a_tarpit_delays_nobody_else(tmp_path, engine, request):
    sink = SlowSink()
    folder = tmp_path / "slow"
    folder.mkdir()
    desk = Desk(folder, engine, request.getfixturevalue("cluster") if engine == "postgres" else None, sink).start()
    try:
        for i in range(6):
            desk.open(requester={"email": f"c{i}@tarpit.example"})
        started = time.monotonic()
        for i in range(60):
            desk.open(requester={"email": f"c{i}@harbour{i % 7}.example"})
        wait_for(lambda: len(sink.messages) >= 60, 15)
        assert time.monotonic() - started < 15
        assert desk.stop() == 0
    finally:
        desk.stop()
        sink.close()


def test_mail_in_flight_at_a_kill_is_sent_soon_after(desk, sink):
    sink.mode = "take"
    desk.key
    for i in range(40):
        desk.open(requester={"email": f"c{i}@harbour.example"})
    desk.kill()
    desk.start()
    wait_for(lambda: not desk.sql("SELECT 1 FROM outbox WHERE due_at IS NOT NULL"), 45)
    sent = {to for _, to, _ in sink.messages}
    assert len(sent) == 40


def test_a_server_that_refuses_us_at_its_greeting_fails_no_mail(new_desk):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = [b"554 5.7.1 your address is listed\r\n"]

        def serve():
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                line.sendall(answer[0])
                line.close()

        threading.Thread(target=serve, daemon=True).start()
        desk = new_desk()
        desk.environment["USHER_SMTP"] = f"smtp://127.0.0.1:{port}"
        desk.start()
        for i in range(5):
            desk.open(requester={"email": f"c{i}@harbour{i}.example"})
        wait_for(lambda: desk.sql("SELECT 1 FROM mail_server_state WHERE failing_since IS NOT NULL"), 15)
        time.sleep(8)
        assert not desk.sql("SELECT 1 FROM outbox WHERE state = 'failed'")
        # Closing alone leaves the port taken for as long as the thread waits in accept.
        server.shutdown(socket.SHUT_RDWR)
    sink = Sink.__new__(Sink)
    sink.messages, sink.mode, sink.lock, sink.port, sink.controller = [], "take", threading.Lock(), port, None
    sink.open()
    try:
        wait_for(lambda: len(sink.messages) == 5, 75)
    finally:
        desk.stop()
        sink.close()
