"""Mailboxes on a real server: what comes in is kept once, and only then dealt with there."""

import re
import socket
import threading
import time

import pytest

from conftest import PASSWORD, People
from desk import Sink, free_port, message, wait_for
from mailserver import Dovecot, Provider


@pytest.fixture(scope="session")
def dovecot():
    server = Dovecot()
    yield server
    server.close()


@pytest.fixture
def server(dovecot):
    """The server with an empty mailbox."""
    if dovecot.process is None:
        dovecot.start()
    with dovecot.line() as line:
        for folder in ("Done", "Gelöst"):
            line.delete(folder if folder.isascii() else '"Gel&APY-st"')
        line.uid("STORE", "1:*", "+FLAGS", "\\Deleted")
        line.expunge()
    return dovecot


@pytest.fixture
def desk(new_desk, server):
    desk = new_desk(SSL_CERT_FILE=server.certificate).start()
    desk.patch("/settings", {"fetch_every_seconds": 1, "undo_seconds": 0})
    return desk


def add(desk, server, fetch="imap", security="plain", **more):
    port = {
        ("imap", "plain"): server.imap,
        ("imap", "starttls"): server.imap,
        ("imap", "tls"): server.imaps,
        ("pop3", "plain"): server.pop3,
        ("pop3", "starttls"): server.pop3,
        ("pop3", "tls"): server.pop3s,
    }[fetch, security]
    return desk.post(
        "/mailboxes",
        {
            "address": "support@localhost",
            "fetch": fetch,
            "fetch_host": "127.0.0.1",
            "fetch_port": port,
            "fetch_security": security,
            "fetch_user": "support",
            "fetch_password": server.password,
            **more,
        },
    )


def mail(number, text="Every page is white."):
    return message(
        "Kim Ito <kim@harbour.example>",
        f"Scanner {number}",
        text,
        message_id=f"<{number}-{time.monotonic_ns()}@customer.example>",
    )


def subjects(desk):
    return sorted(ticket["subject"] for ticket in desk.get("/tickets?limit=200")["items"])


@pytest.mark.parametrize("fetch", ["imap", "pop3"])
@pytest.mark.parametrize("security", ["plain", "starttls", "tls"])
def test_new_mail_becomes_tickets(desk, server, fetch, security):
    server.put(mail(1), mail(2))
    add(desk, server, fetch, security)
    wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2"])
    server.put(mail(3))
    wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2", "Scanner 3"])
    if fetch == "imap":
        wait_for(lambda: len(server.numbers("SEEN")) == 3)
    time.sleep(2.2)
    assert len(subjects(desk)) == 3, "looked at again and again, it stays the same"


def test_what_was_read_before_is_left_alone_but_read_mail_that_comes_later_is_not(desk, server):
    server.put(mail("old"), flags="\\Seen")
    server.put(mail("unread"))
    add(desk, server)
    wait_for(lambda: subjects(desk) == ["Scanner unread"])
    # Somebody else reads the mailbox too, and is faster.
    server.put(mail("seen at once"), flags="\\Seen")
    wait_for(lambda: subjects(desk) == ["Scanner seen at once", "Scanner unread"])


def test_messages_are_moved_or_deleted_once_they_are_kept(desk, server):
    box = add(desk, server, after_fetching="move", move_to="Gelöst")
    server.put(mail(1))
    wait_for(lambda: subjects(desk) == ["Scanner 1"] and not server.numbers())
    assert len(server.numbers(folder='"Gel&APY-st"')) == 1
    desk.patch(f"/mailboxes/{box['id']}", {"after_fetching": "delete"})
    server.put(mail(2))
    wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2"] and not server.numbers())


def test_pop3_deletes_when_told(desk, server):
    add(desk, server, "pop3", after_fetching="delete")
    server.put(mail(1), mail(2))
    wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2"] and not server.numbers())


def test_a_message_that_cannot_be_taken_is_set_aside_and_the_rest_go_on(desk, server, people_of):
    desk.patch("/settings", {"message_bytes": 20_000})
    server.put(mail(1), mail("large", "x" * 70 + "\n" + ("long words " * 7 + "\n") * 500), mail(2))
    add(desk, server, after_fetching="delete")
    wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2"])
    wait_for(lambda: len(server.numbers()) == 1)
    page = people_of(desk).agent("mara@desk.example")
    page.goto("/admin/quarantine")
    assert "larger than" in page.get_by_role("row").nth(1).inner_text()
    # With more room the retry takes it.
    desk.patch("/settings", {"message_bytes": 200_000})
    page.get_by_role("button", name=re.compile("Try again")).click()
    wait_for(lambda: len(subjects(desk)) == 3 and not server.numbers())
    page.reload()
    assert page.get_by_text("No messages in quarantine.").is_visible()


def test_a_message_larger_than_its_server_said_is_set_aside_too(desk):
    """It was announced with 100 bytes; what comes is longer than what the desk takes."""
    large = b"Subject: Large\r\n\r\n" + b"long words\r\n" * 5_000 + b".\r\n"
    small = b"From: kim@harbour.example\r\nSubject: Small\r\n\r\nWords.\r\n.\r\n"
    answers = {
        "CAPA": b"+OK\r\nUIDL\r\nUSER\r\n.\r\n",
        "UIDL": b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
        "LIST": b"+OK\r\n1 100\r\n2 100\r\n.\r\n",
        "RETR 1": b"+OK\r\n" + large,
        "RETR 2": b"+OK\r\n" + small,
    }
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            with line, line.makefile("rb") as asked:
                line.sendall(b"+OK ready\r\n")
                for command in asked:
                    command = command.decode().strip()
                    line.sendall(answers.get(command, b"+OK\r\n"))
                    if command == "QUIT":
                        break

    threading.Thread(target=serve, daemon=True).start()
    desk.patch("/settings", {"message_bytes": 20_000})
    desk.post(
        "/mailboxes",
        {
            "address": "support@localhost",
            "fetch": "pop3",
            "fetch_host": "127.0.0.1",
            "fetch_port": listening.getsockname()[1],
            "fetch_security": "plain",
            "fetch_user": "a",
            "fetch_password": "b",
        },
    )
    wait_for(lambda: subjects(desk) == ["Small"])
    wait_for(lambda: desk.sql("SELECT name FROM quarantine WHERE reason LIKE '%larger than%'") == [["a"]])
    listening.close()


def test_a_server_that_goes_away_loses_and_doubles_nothing(desk, server):
    add(desk, server)
    server.put(*[mail(i) for i in range(40)])
    wait_for(lambda: len(subjects(desk)) >= 5)
    server.stop()
    wait_for(lambda: desk.sql("SELECT count(*) FROM mailbox_state WHERE error IS NOT NULL") == [["1"]])
    server.start()
    wait_for(lambda: len(subjects(desk)) == 40, 30)
    time.sleep(1.5)
    assert len(set(subjects(desk))) == len(subjects(desk)) == 40


def test_a_desk_that_is_killed_while_fetching_loses_and_doubles_nothing(desk, server):
    server.put(*[mail(i) for i in range(60)])
    add(desk, server, after_fetching="delete")
    wait_for(lambda: int(desk.sql("SELECT count(*) FROM ticket")[0][0]) >= 10, pause=0.005)
    desk.kill()
    desk.start()
    wait_for(lambda: len(subjects(desk)) == 60 and not server.numbers(), 30)
    assert len(set(subjects(desk))) == 60


def test_a_mail_whose_visit_was_cut_short_is_marked_as_read_at_the_next(desk, server):
    box = add(desk, server)
    server.put(mail(1))
    wait_for(lambda: subjects(desk) == ["Scanner 1"] and not server.numbers("UNSEEN"))
    # As if the desk had been killed between keeping it and telling the server.
    [number] = server.numbers()
    with server.line() as line:
        line.uid("STORE", str(number), "-FLAGS", r"(\Seen)")
    assert server.numbers("UNSEEN") == [number]
    desk.sql(f"INSERT INTO mailbox_unsettled (mailbox_id, name) VALUES ({box['id']}, '{number}')")
    wait_for(lambda: not server.numbers("UNSEEN"))
    wait_for(lambda: desk.sql("SELECT name FROM mailbox_unsettled") == [])
    assert subjects(desk) == ["Scanner 1"]


def test_a_server_that_never_answers_holds_up_its_own_mailbox_alone(desk, server):
    silent = socket.create_server(("127.0.0.1", 0))
    desk.post(
        "/mailboxes",
        {
            "address": "silent@localhost",
            "fetch": "imap",
            "fetch_host": "127.0.0.1",
            "fetch_port": silent.getsockname()[1],
            "fetch_security": "plain",
            "fetch_user": "a",
            "fetch_password": "b",
        },
    )
    add(desk, server)
    server.put(mail(1))
    wait_for(lambda: subjects(desk) == ["Scanner 1"])
    silent.close()


def test_the_test_button_says_what_is_wrong(desk, server, people_of):
    box = add(desk, server)
    page = people_of(desk).agent("mara@desk.example")

    def tested(**changes):
        desk.patch(f"/mailboxes/{box['id']}", changes)
        page.goto(f"/admin/mailboxes/{box['id']}")
        page.get_by_role("button", name="Test connection").click()
        return page.get_by_role("status").inner_text()

    assert "Fetching email works." in tested()
    assert "rejected the user name or password of support" in tested(fetch_password="wrong words")
    assert (
        "does not exist" in tested(fetch_password=server.password, folder="Nowhere")
        or "Mailbox doesn't exist" in page.content()
    )
    assert "connection refused by 127.0.0.1" in tested(folder="INBOX", fetch_port=free_port())
    assert "wasn't found" in tested(fetch_host="nowhere.invalid", fetch_security="tls")


def test_a_certificate_that_is_not_trusted_is_refused(new_desk, server):
    desk = new_desk().start()
    desk.patch("/settings", {"fetch_every_seconds": 1})
    add(desk, server, security="tls")
    server.put(mail(1))
    wait_for(lambda: "isn't trusted" in str(desk.sql("SELECT error FROM mailbox_state")))
    assert subjects(desk) == []


def test_an_oauth_mailbox_connects_refreshes_and_says_when_the_consent_is_gone(new_desk, people_of):
    provider = Provider()
    server = Dovecot(introspection=f"{provider.url}/introspect")
    try:
        desk = new_desk().start()
        desk.patch("/settings", {"fetch_every_seconds": 1})
        box = desk.post(
            "/mailboxes",
            {
                "address": "support@localhost",
                "fetch": "imap",
                "fetch_host": "127.0.0.1",
                "fetch_port": server.imap,
                "fetch_security": "plain",
                "fetch_user": "support",
                "sign_in": "other",
                "oauth_client": "the desk",
                "oauth_secret": "a secret",
                "oauth_authorize_url": f"{provider.url}/authorize",
                "oauth_token_url": f"{provider.url}/token",
                "oauth_scope": "mail",
            },
        )
        server.put(mail(1))
        people = people_of(desk)
        page = people.agent("mara@desk.example")
        page.goto(f"/admin/mailboxes/{box['id']}")
        page.get_by_role("button", name="Connect", exact=True).click()
        address = page.get_by_role("link", name="Go to the provider").get_attribute("href")
        state = re.search(r"state=([^&]+)", address).group(1)
        assert "code_challenge_method=S256" in address and "client_id=the%20desk" in address
        # The provider sends the browser back; a forged state leads nowhere.
        assert page.goto(f"/admin/consent?state={state[:-1]}x&code=a%20good%20code").status == 404
        page.goto(f"/admin/consent?state={state}&code=a%20good%20code")
        assert provider.asked == [], "a GET changes nothing"
        provider.seconds = 301
        page.get_by_role("button", name="Connect", exact=True).click()
        page.wait_for_url(f"**/admin/mailboxes/{box['id']}")
        assert page.get_by_text("Connected by OAuth.").is_visible()
        wait_for(lambda: subjects(desk) == ["Scanner 1"])
        # Tokens that last but a second more than the margin are renewed at nearly every look, and each renewal's refresh token is the next one's.
        provider.seconds = 300
        server.put(mail(2))
        wait_for(lambda: subjects(desk) == ["Scanner 1", "Scanner 2"])
        wait_for(lambda: len([a for a in provider.asked if a["grant_type"] == "refresh_token"]) >= 3)
        assert "a secret" not in desk.log() and provider.refresh not in desk.log()
        provider.withdraw()
        wait_for(lambda: "consent was withdrawn" in str(desk.sql("SELECT error FROM mailbox_state")))
        page.reload()
        assert page.get_by_text("Not connected").is_visible()
    finally:
        server.close()
        provider.close()


def test_a_mailbox_sends_through_its_own_server_with_its_own_name(desk, server, sink):
    own = Sink()
    try:
        desk.add_agent("ada@desk.example", "Ada Lind")
        desk.post(
            "/mailboxes",
            {
                "address": "billing@localhost",
                "name": "Billing",
                "signature": "Billing, Harbour Street 1",
                "smtp_host": "127.0.0.1",
                "smtp_port": own.port,
                "smtp_security": "plain",
            },
        )
        desk.intake(message("kim@harbour.example", "Invoice", "It is wrong.", to="billing@localhost"))
        number = desk.get("/tickets")["items"][0]["number"]
        ack = own.wait("kim@harbour.example")
        assert ack["From"].addresses[0].addr_spec == "billing@localhost" and "Billing" in str(ack["From"])
        desk.post(
            f"/tickets/{number}/entries", {"kind": "reply", "body": "We look into it.", "author": "ada@desk.example"}
        )
        reply = own.wait("kim@harbour.example", "We look into it.")
        assert "Billing, Harbour Street 1" in reply.get_body(("plain",)).get_content()
        assert sink.to("kim@harbour.example") == []
        # Two a minute: the third waits, and nothing is lost.
        desk.patch("/mailboxes/1", {"smtp_per_minute": 2})
        for text in ("one", "two", "three"):
            desk.post(
                f"/tickets/{number}/entries", {"kind": "reply", "body": f"Part {text}.", "author": "ada@desk.example"}
            )
        wait_for(lambda: len(own.to("kim@harbour.example", "Part")) >= 1)
        time.sleep(2)
        assert len(own.to("kim@harbour.example", "Part")) < 3
        assert desk.sql("SELECT count(*) FROM outbox WHERE state = 'queued'")[0][0] != "0"
    finally:
        own.close()


def test_only_one_of_two_nodes_looks_into_the_mailboxes(new_desk, engine, server):
    if engine != "postgres":
        pytest.skip("SQLite has one node")
    first = new_desk(SSL_CERT_FILE=server.certificate, USHER_SECRET="a secret that both nodes know").start()
    second = new_desk(USHER_SECRET="a secret that both nodes know")
    second.environment["USHER_DATABASE"], second.database, second.environment["USHER_DATA"] = (
        first.environment["USHER_DATABASE"],
        first.database,
        first.environment["USHER_DATA"],
    )
    second.start()
    first.patch("/settings", {"fetch_every_seconds": 1})
    add(first, server)
    server.put(*[mail(i) for i in range(20)])
    wait_for(lambda: len(subjects(first)) == 20)
    # A row says which node reads them, and until when.
    assert (
        first.sql(
            "SELECT count(*) FROM lease WHERE name = 'usher mailboxes' AND until > extract(epoch FROM now()) * 1000"
        )[0][0]
        == "1"
    )
    # The one that reads dies; the other takes over.
    first.kill()
    server.put(mail("after"))
    wait_for(lambda: any(t["subject"] == "Scanner after" for t in second.get("/tickets?limit=200")["items"]), 30)


@pytest.fixture
def people_of(chromium):
    made = []

    def make(desk):
        desk.add_agent("mara@desk.example", "Mara Lindqvist", "administrator", password=PASSWORD)
        made.append(People(chromium, desk))
        return made[-1]

    yield make
    for people in made:
        people.close()
