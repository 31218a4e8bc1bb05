"""A new desk: nobody starts blind, nothing is promised that cannot be kept, and what is missing is said with the way to it."""

import re

import pytest
from playwright.sync_api import expect

from conftest import PASSWORD, People
from desk import body

KIM = "kim@harbour.example"


@pytest.fixture
def fresh(new_desk, chromium):
    """A desk without a mail server, with its first administrator."""
    desk = new_desk()
    del desk.environment["USHER_SMTP"]
    desk.start()
    desk.add_agent("mara@desk.example", "Mara Lindqvist", "administrator", password=PASSWORD)
    people = People(chromium, desk)
    yield desk, people
    people.close()


def test_a_request_is_told_to_its_department_and_counted_in_the_title(people, peopled, sink):
    ada = people.agent("ada@desk.example")
    expect(ada).to_have_title(re.compile(r"^Up next"))
    first = peopled.open(subject="Scanner sends empty pages")["number"]
    expect(ada).to_have_title(re.compile(r"^\(1\) Up next"))
    second = peopled.open(subject="Printer queue stuck")["number"]
    expect(ada).to_have_title(re.compile(r"^\(2\) Up next"))
    # One email for the minute, to each agent of the department.
    mail = sink.wait("ada@desk.example", "New request", seconds=90)
    assert f"#{first}" in body(mail) and f"#{second}" in body(mail)
    sink.wait("ben@desk.example", "New request")
    assert len(sink.to("ada@desk.example", "New request")) == 1 == len(sink.to("ben@desk.example", "New request"))
    # The switch on the account page.
    ada.goto("/desk/account")
    switch = ada.get_by_label("Email me when new requests come in for my departments and teams")
    expect(switch).to_be_checked()
    switch.uncheck()
    ada.get_by_role("button", name="Save").click()
    expect(switch).not_to_be_checked()
    assert not peopled.sql("SELECT 1 FROM agent WHERE email = 'ada@desk.example' AND new_request_email = 1")


def test_without_a_mail_server_nothing_is_promised(fresh):
    desk, people = fresh
    guest = people.guest()
    guest.goto("/")
    expect(guest.get_by_text("Or write to")).to_have_count(0)
    guest.goto("/sign-in")
    expect(guest.get_by_text("This desk can't send email yet")).to_be_visible()
    expect(guest.get_by_role("button", name="Email me a link")).to_have_count(0)
    mara = people.agent("mara@desk.example")
    mara.goto("/admin/agents/new")
    expect(mara.get_by_label("Support")).to_be_checked()
    mara.get_by_label("Email", exact=True).fill("nora@desk.example")
    mara.get_by_label("Name", exact=True).fill("Nora Novak")
    mara.get_by_role("button", name="Save").click()
    link = mara.get_by_label("Link to set a password").input_value()
    assert link not in desk.log()
    guest.goto(link)
    guest.get_by_label(re.compile("^Password")).fill("a long password of Nora's")
    guest.get_by_role("button", name="Set the password").click()
    guest.wait_for_url("**/desk**")
    expect(guest.get_by_text("No tickets yet.")).to_be_visible()


def test_the_mail_server_is_set_in_the_browser_and_works_at_once(fresh, sink):
    desk, people = fresh
    mara = people.agent("mara@desk.example")
    desk.open()
    mara.goto("/admin/outbox")
    mara.get_by_role("link", name="Set up email").click()
    mara.get_by_label("Mail server", exact=True).fill("127.0.0.1")
    mara.get_by_label("Port", exact=True).fill(str(sink.port))
    mara.get_by_role("button", name="Save").click()
    # What waited goes out, without a restart.
    sink.wait(KIM)
    mara.get_by_role("button", name="Send test email").click()
    expect(mara.get_by_role("status")).to_contain_text("accepted a test email")
    sink.mode = "refuse"
    mara.get_by_role("button", name="Send test email").click()
    expect(mara.get_by_role("alert")).to_contain_text("no such mailbox")


def test_the_first_steps_lead_through_an_empty_desk(fresh):
    desk, people = fresh
    mara = people.agent("mara@desk.example")
    steps = mara.locator(".steps")
    expect(steps).to_contain_text("0 of 6 done")
    steps.get_by_role("link", name="Name your desk").click()
    mara.get_by_label("Name of the desk").fill("Harbour IT")
    mara.get_by_role("button", name="Save").click()
    mara.goto("/admin")
    expect(steps).to_contain_text("1 of 6 done")
    steps.get_by_role("link", name="Send a first test request").click()
    mara.get_by_label("Email").fill(KIM)
    mara.get_by_label("Subject").fill("A first test")
    mara.get_by_label("Describe the problem").fill("Does it work?")
    mara.get_by_role("button", name="Send").click()
    mara.goto("/admin")
    expect(steps).to_contain_text("2 of 6 done")
    steps.get_by_role("button", name="Dismiss").click()
    expect(mara.get_by_role("heading", name="Administration")).to_be_visible()
    expect(steps).to_have_count(0)


def test_articles_are_found_by_any_word(people, peopled):
    peopled.post(
        "/articles",
        {
            "slug": "white-pages",
            "title": "Pages come out white or striped",
            "category": "Printers",
            "body": "Wipe the narrow glass of the scanner.",
            "published": True,
        },
    )
    peopled.post(
        "/articles",
        {
            "slug": "telephone",
            "title": "Forward your telephone",
            "category": "Telephone",
            "body": "Dial *21.",
            "published": True,
        },
    )
    peopled.post("/articles", {"slug": "draft", "title": "Scanner secrets", "body": "scanner", "published": False})
    kim = people.guest()
    for question in ["my scanner makes white pages", "printer", "scann"]:
        kim.goto("/")
        kim.get_by_label("Search for help").fill(question)
        kim.keyboard.press("Enter")
        found = kim.get_by_role("main").get_by_role("listitem")
        expect(found.first).to_contain_text("Pages come out white or striped")
        expect(kim.get_by_text("Scanner secrets")).to_have_count(0)
        assert [a["slug"] for a in peopled.get(f"/articles?query={question}")["items"]][0] == "white-pages"
    kim.goto("/kb?query=zeppelin")
    expect(kim.get_by_text("We found no article about this.")).to_be_visible()
