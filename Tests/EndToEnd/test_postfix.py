"""A mail server in front of the desk, as an operator would have it: from the customer's program to the ticket and back."""

import os
import smtplib
import socket
import tempfile
from pathlib import Path

import pytest

from desk import Desk, USHER, body, free_port, message, wait_for
from mailserver import Postfix


@pytest.fixture
def fronted(engine, sink, request):
    """A desk that runs as a user of no rights, so that the pipe may run as the same."""
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    folder = Path(tempfile.mkdtemp(prefix="usher-fronted-"))
    folder.chmod(0o777)
    lmtp = free_port()
    desk = Desk(
        folder,
        engine,
        request.getfixturevalue("cluster") if engine == "postgres" else None,
        sink,
        USHER_LMTP_LISTEN=f"127.0.0.1:{lmtp}",
        USHER_SECRET="a secret for this test",
    )
    desk.user = "nobody"
    desk.start()
    wait_for(lambda: not socket.socket().connect_ex(("127.0.0.1", lmtp)))
    pipe = folder / "pipe"
    settings = "\n".join(
        f"export {name}='{value}'"
        for name, value in desk.environment.items()
        if name.startswith("USHER_") or name in ("PATH", "LD_LIBRARY_PATH")
    )
    pipe.write_text(f'#!/bin/sh\n{settings}\nexec {USHER} intake --sender "$1" --mailbox "$2"\n')
    pipe.chmod(0o755)
    server = Postfix(lmtp, pipe)
    desk.post("/mailboxes", {"address": "support@desk.example"})
    desk.post("/mailboxes", {"address": "support@pipe.example"})
    yield desk, server
    server.close()
    desk.stop()


@pytest.mark.parametrize("domain", ["desk.example", "pipe.example"])
def test_the_whole_way_through_a_mail_server(fronted, sink, domain):
    desk, server = fronted
    desk.add_agent("ada@desk.example", "Ada Lind")

    def send(mail):
        with smtplib.SMTP("127.0.0.1", server.port) as line:
            line.send_message(mail, to_addrs=[str(mail["To"])])

    send(
        message(
            "Kim Ito <kim@harbour.example>",
            "Scanner is white",
            "Every page.",
            to=f"support@{domain}",
            files=[("scan.txt", "text/plain", b"white")],
        )
    )
    (ticket,) = wait_for(lambda: desk.get("/tickets")["items"], 30)
    number = ticket["number"]
    ack = sink.wait("kim@harbour.example")
    assert ack["From"].addresses[0].addr_spec == f"support@{domain}"
    desk.post(
        f"/tickets/{number}/entries", {"kind": "reply", "body": "Please clean the glass.", "author": "ada@desk.example"}
    )
    reply = sink.wait("kim@harbour.example", "Please clean the glass.")
    assert "> Every page." in body(reply)
    send(
        message(
            "kim@harbour.example",
            text="It works now, thank you.\n\nOn Tuesday, Ada wrote:\n> Please clean the glass.\n",
            reply_to_message=reply,
        )
    )
    wait_for(lambda: len(desk.entries(number)) == 3, 30)
    answer = desk.entries(number)[-1]
    assert answer["text"] == "It works now, thank you." and "> Please clean" in answer["quoted"]


def test_while_the_desk_is_away_the_mail_server_keeps_the_mail(fronted):
    desk, server = fronted
    desk.stop()
    with smtplib.SMTP("127.0.0.1", server.port) as line:
        line.send_message(message("kim@harbour.example", "Scanner is white", "Every page.", to="support@desk.example"))
    wait_for(lambda: "status=deferred" in server.log(), 30)
    desk.start()
    wait_for(lambda: len(desk.get("/tickets")["items"]) == 1, 60)


def test_an_address_that_is_not_ours_comes_back_to_its_sender(fronted):
    desk, server = fronted
    with smtplib.SMTP("127.0.0.1", server.port) as line:
        line.send_message(message("kim@harbour.example", "x", "y", to="nobody@desk.example"))
    wait_for(lambda: "550" in server.log() and "status=bounced" in server.log(), 30)
    assert desk.get("/tickets")["items"] == []
