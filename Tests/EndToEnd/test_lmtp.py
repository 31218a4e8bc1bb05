"""A mail server in front of the desk, by LMTP."""

import smtplib
import socket
import threading
import time

import pytest

from desk import message, wait_for


def test_a_message_through_the_listener_becomes_a_ticket_once(entrance, sink):
    mail = message(
        "Kim Ito <kim@harbour.example>",
        "Scanner sends empty pages",
        "Every page is white.\n.\n..dots\n",
        files=[("scan.txt", "text/plain", b"white")],
        message_id="<one@customer.example>",
    )
    with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
        server.ehlo_or_helo_if_needed()
        assert {"size", "8bitmime", "smtputf8", "pipelining"} <= set(server.esmtp_features)
        assert server.sendmail("kim@harbour.example", ["support@localhost"], mail.as_bytes()) == {}
        assert (
            server.sendmail("kim@harbour.example", ["SUPPORT@localhost"], mail.as_bytes()) == {}
        ), "the same once more is no fault"
    (ticket,) = entrance.get("/tickets")["items"]
    (entry,) = entrance.entries(ticket["number"])
    assert ticket["source"] == "email" and "..dots" in entry["text"] and entry["attachments"][0]["name"] == "scan.txt"
    # The answer to the acknowledgement comes back through the same door, by its signed address.
    ack = wait_for(lambda: sink.to("kim@harbour.example"))[0]
    reply = message("kim@harbour.example", text="And the second one too.", reply_to_message=ack)
    with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
        server.send_message(reply)
    assert len(entrance.entries(ticket["number"])) == 2


def test_unknown_recipients_and_large_messages_are_refused(entrance):
    with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
        mail = message("kim@harbour.example", "Hello", "Words").as_bytes()
        refused = server.sendmail(
            "kim@harbour.example", ["support@localhost", "nobody@localhost", "support@elsewhere.example"], mail
        )
        assert {address: code for address, (code, _) in refused.items()} == {
            "nobody@localhost": 550,
            "support@elsewhere.example": 550,
        }
        with pytest.raises(smtplib.SMTPSenderRefused) as large:
            server.sendmail("kim@harbour.example", ["support@localhost"], b"Subject: x\r\n\r\n" + b"x" * 60_000_000)
        assert large.value.smtp_code == 552
        # Nor without saying so before.
        server.rset()
        server.docmd("MAIL", "FROM:<kim@harbour.example>")
        server.docmd("RCPT", "TO:<support@localhost>")
        assert server.data(b"Subject: x\r\n\r\n" + (b"x" * 990 + b"\r\n") * 55_000)[0] == 552
        assert server.noop()[0] == 250
    assert len(entrance.get("/tickets")["items"]) == 1


def test_hostile_lines(entrance):
    for bytes_ in (b"\x00\xff\xfe\r\n" * 30, b"LHLO x\r\nMAIL FROM:<" + b"a" * 100_000 + b"\r\n", b"x" * 2_000_000):
        with socket.create_connection(("127.0.0.1", entrance.lmtp)) as line:
            try:
                line.sendall(bytes_)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass
            except (ConnectionResetError, BrokenPipeError):
                pass
    with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
        server.send_message(message("kim@harbour.example", "Still here", "Words"))
    assert len(entrance.get("/tickets")["items"]) == 1


def test_a_break_before_the_dot_keeps_nothing(entrance):
    with socket.create_connection(("127.0.0.1", entrance.lmtp)) as line:
        line.sendall(
            b"LHLO x\r\nMAIL FROM:<kim@harbour.example>\r\nRCPT TO:<support@localhost>\r\nDATA\r\nSubject: half\r\n\r\nhalf a mess"
        )
        time.sleep(0.3)
    assert entrance.get("/tickets")["items"] == []


def test_many_lines_at_once(entrance):
    """Every message that was answered with 250 is there, once."""
    kept = []

    def send(worker):
        with smtplib.LMTP("127.0.0.1", entrance.lmtp) as server:
            for number in range(15):
                server.sendmail(
                    f"c{worker}@harbour.example",
                    ["support@localhost"],
                    message(f"c{worker}@harbour.example", f"Message {worker}-{number}", "Words").as_bytes(),
                )
                kept.append((worker, number))

    workers = [threading.Thread(target=send, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(kept) == 120
    assert int(entrance.sql("SELECT count(*) FROM ticket")[0][0]) == 120


def test_the_database_away_is_not_now(entrance, engine, cluster):
    if engine != "postgres":
        pytest.skip("an embedded database is never away")
    cluster.stop("immediate")
    try:
        with smtplib.LMTP("127.0.0.1", entrance.lmtp, timeout=60) as server:
            with pytest.raises(smtplib.SMTPDataError) as later:
                server.sendmail(
                    "kim@harbour.example",
                    ["support@localhost"],
                    message("kim@harbour.example", "Later", "Words").as_bytes(),
                )
            assert later.value.smtp_code == 451
    finally:
        cluster.start()
    wait_for(lambda: entrance.call("GET", "/tickets").status_code == 200, 30)
