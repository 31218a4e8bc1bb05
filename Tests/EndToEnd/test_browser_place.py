"""An agent's place is kept through every action; nothing typed is lost, nothing is sent or removed by accident."""

import re

from playwright.sync_api import expect

from conftest import PASSWORD
from desk import body, wait_for

KIM = "kim@harbour.example"


def ready(page):
    page.locator(".desk[data-ready]").wait_for()


def press(page, key):
    """A key, and the page that follows it."""
    ready(page)
    with page.expect_navigation():
        page.keyboard.press(key)
    ready(page)


def pane(page):
    return page.locator(".pane .rows li")


def send(page, button="Send"):
    if button != "Send":
        page.get_by_label("More ways to send").click()
    page.locator("form.box.reply").get_by_role("button", name=re.compile("^" + button + "( Ctrl|$)")).click()


def test_the_list_stays_beside_the_ticket_through_every_action(people, peopled):
    numbers = [peopled.open(subject=f"Request {index:02}")["number"] for index in range(30)]
    ada = people.agent("ada@desk.example")
    ada.goto("/desk?list=open&sort=oldest")
    ada.get_by_role("link", name=re.compile("Request 20")).click()
    expect(pane(ada)).to_have_count(30)
    # The open ticket is in sight in the list beside it.
    here = ada.locator(".pane .rows [aria-current=true]")
    expect(here).to_contain_text("Request 20")
    expect(here).to_be_in_viewport()

    def wait(page):
        ready(page)
        page.keyboard.press("w")
        page.get_by_role("dialog").get_by_role("button", name="Wait for customer").click()
        expect(page.get_by_role("status")).to_contain_text("pending")
        ready(page)

    for step in [lambda page: press(page, "t"), wait]:
        step(ada)
        assert "list=open" in ada.url and "sort=oldest" in ada.url
        expect(here).to_contain_text("Request 20")
        expect(here).to_be_in_viewport()
    ada.keyboard.press("n")
    ada.get_by_label("Internal note").fill("A note")
    ada.keyboard.press("Control+Enter")
    expect(ada.get_by_role("status")).to_contain_text("Note added.")
    ready(ada)
    ada.keyboard.press("Escape")
    press(ada, "j")
    assert f"/tickets/{numbers[21]}" in ada.url
    press(ada, "k")
    press(ada, "k")
    assert f"/tickets/{numbers[19]}" in ada.url
    # Solved, it leaves the list; the next is the one that stood below it.
    ready(ada)
    ada.keyboard.press("e")
    ada.get_by_role("dialog").get_by_label("The solution").fill("Done.")
    ada.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(ada.locator(".subject-bar")).to_contain_text("Resolved")
    expect(pane(ada)).to_have_count(29)
    press(ada, "j")
    assert f"/tickets/{numbers[20]}" in ada.url
    # The list's own next, without a script's help.
    ada.get_by_label(re.compile("^Reply to")).fill("Words")
    send(ada, "Send & next ticket")
    ada.wait_for_url(f"**/tickets/{numbers[21]}?**")
    assert "sort=oldest" in ada.url
    expect(ada.get_by_role("status")).to_contain_text("Reply sent.")
    ada.locator(".pane header a").click()
    ada.wait_for_url("**/desk?list=open&sort=oldest")


def test_a_search_is_a_place_too(people, peopled):
    numbers = [peopled.open(subject=f"Printer {index}")["number"] for index in range(3)]
    peopled.open(subject="Something else")
    ada = people.agent("ada@desk.example")
    ada.get_by_label("Search", exact=True).fill("printer")
    ada.keyboard.press("Enter")
    ada.get_by_role("link", name=re.compile("Printer 1")).click()
    expect(pane(ada)).to_have_count(3)
    press(ada, "t")
    expect(pane(ada)).to_have_count(3)
    expect(ada.get_by_role("status")).to_contain_text("assigned to you")
    press(ada, "j")
    assert f"/tickets/{numbers[0]}" in ada.url and "query=printer" in ada.url
    ada.locator(".pane header a").click()
    expect(ada.locator(".tickets tbody tr")).to_have_count(3)


def test_what_was_typed_into_a_dialog_is_kept(people, peopled, sink):
    number = peopled.open()["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}?list=open")
    words = {"e": ("The solution", "I have cleaned the glass."), "u": ("Why", "The whole street is dark")}
    closings = [
        lambda: ada.keyboard.press("Escape"),
        lambda: ada.mouse.click(5, 5),
        lambda: ada.get_by_role("dialog").get_by_role("button", name="Close").click(),
    ]
    for key, (label, text) in words.items():
        for closing in closings:
            ready(ada)
            ada.keyboard.press(key)
            field = ada.get_by_role("dialog").get_by_label(label)
            expect(field).to_be_visible()
            if closing is closings[0]:
                field.fill(text)
            expect(field).to_have_value(text)
            closing()
            expect(ada.get_by_role("dialog")).to_be_hidden()
    # Also after the page was left.
    ada.goto("/desk")
    ada.goto(f"/desk/tickets/{number}?list=open")
    ready(ada)
    ada.keyboard.press("e")
    expect(ada.get_by_role("dialog").get_by_label("The solution")).to_have_value("I have cleaned the glass.")
    ada.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(ada.locator(".subject-bar")).to_contain_text("Resolved")
    # Sent is sent: reopened, the box is empty.
    ready(ada)
    ada.keyboard.press("o")
    ada.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    expect(ada.locator(".subject-bar")).to_contain_text("Open")
    expect(ada.get_by_role("status")).to_contain_text("Ticket reopened.")
    ready(ada)
    ada.keyboard.press("e")
    expect(ada.get_by_role("dialog").get_by_label("The solution")).to_have_value("")


def test_a_refused_dialog_stays_on_the_ticket(people, peopled):
    number, other = (
        peopled.open(subject="Mine")["number"],
        peopled.open(subject="Salary", requester={"email": "lee@corner.example", "name": "Lee Okafor"})["number"],
    )
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}?list=open")
    ada.locator(".tools summary").click()
    ada.keyboard.press("Escape")
    expect(ada.locator(".tools .more")).not_to_have_attribute("open", "")
    ada.locator(".tools summary").click()
    ada.get_by_role("link", name="Merge").click()
    dialog = ada.get_by_role("dialog")
    dialog.get_by_label("Number of the other ticket").fill("999")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is no ticket #999.")
    expect(dialog.get_by_label("Number of the other ticket")).to_have_value("999")
    assert f"/desk/tickets/{number}?list=open" in ada.url
    expect(ada.locator(".talk")).to_contain_text("every page is white")
    expect(pane(ada)).to_have_count(2)
    dialog.get_by_label("Number of the other ticket").fill(str(other))
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_contain_text("Salary")
    expect(dialog).to_contain_text("lee@corner.example")
    expect(dialog.get_by_role("alert").first).to_contain_text("different people")
    assert peopled.ticket(number)["state"] == "new"
    ada.keyboard.press("Escape")
    assert peopled.ticket(number)["state"] == "new"


def test_undo_follows_the_agent_to_the_next_ticket(people, peopled, sink):
    peopled.patch("/settings", {"undo_seconds": 8})
    first, second = peopled.open(subject="First")["number"], peopled.open(subject="Second")["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{first}?list=open")
    ready(ada)
    ada.keyboard.press("e")
    ada.get_by_role("dialog").get_by_label("The solution").fill("Wrong ticket")
    ada.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(ada.locator("[data-takeback]")).to_be_visible()
    ada.goto(f"/desk/tickets/{second}?list=open")
    ada.goto("/desk?list=open")
    bar = ada.locator("[data-takeback]")
    expect(bar).to_contain_text(f"#{first}")
    ready(ada)
    press(ada, "z")
    assert f"/desk/tickets/{first}" in ada.url
    expect(ada.get_by_label(re.compile("^Reply to"))).to_have_value("Wrong ticket")
    assert peopled.ticket(first)["state"] == "new"
    ada.wait_for_timeout(9000)
    assert sink.to(KIM, "Wrong ticket") == []


def test_a_solution_without_words_is_a_whole_letter(people, peopled, sink):
    number = peopled.open()["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}")
    ready(ada)
    ada.keyboard.press("e")
    ada.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(ada.get_by_role("status")).to_contain_text("Ticket resolved.")
    text = body(wait_for(lambda: sink.to(KIM, "answer=yes"))[0])
    assert text.startswith("Hi Kim Ito,") and "\n\n\n" not in text.replace("\r", "")


def test_removing_asks_and_can_be_cancelled(people, peopled):
    mara = people.agent("mara@desk.example")
    mara.goto("/admin/departments")
    mara.get_by_role("link", name="Add").click()
    mara.get_by_label("Name").fill("Billing")
    mara.get_by_role("button", name="Save").click()
    mara.get_by_role("link", name="Billing").click()
    mara.get_by_role("link", name="Remove").click()
    dialog = mara.get_by_role("dialog")
    expect(dialog).to_contain_text("can't be chosen for new tickets")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    mara.get_by_role("link", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(mara.get_by_role("status")).to_contain_text("Removed.")
    expect(mara.get_by_role("link", name="Billing")).to_have_count(0)


def test_without_scripts_everything_asks_too(people, peopled):
    number = peopled.open()["number"]
    mara = people.agent("mara@desk.example", java_script_enabled=False)
    mara.goto(f"/desk/tickets/{number}?list=open")
    mara.locator(".tools summary").click()
    mara.get_by_role("link", name="Merge").click()
    mara.get_by_label("Number of the other ticket").fill("999")
    mara.get_by_role("button", name="Continue").click()
    expect(mara.get_by_role("dialog")).to_contain_text("There is no ticket #999.")
    expect(mara.locator(".talk")).to_be_visible()
    mara.goto("/desk?list=open")
    mara.get_by_label(f"#{number}").check()
    mara.get_by_label("Bulk actions").select_option(label="Close")
    mara.get_by_role("button", name="Apply").click()
    expect(mara.get_by_role("heading")).to_contain_text(["Close 1 ticket?"])
    mara.get_by_role("button", name="Close tickets").click()
    expect(mara.get_by_role("status")).to_contain_text("1 ticket closed.")
    mara.goto("/admin/teams")
    mara.get_by_role("link", name="Second level").click()
    mara.get_by_role("link", name="Remove").click()
    expect(mara.get_by_role("heading", level=1)).to_contain_text("Remove “Second level”?")
    mara.get_by_role("button", name="Remove").click()
    expect(mara.get_by_role("status")).to_contain_text("Removed.")


def test_an_empty_placeholder_is_named_instead_of_inserted(people, peopled):
    peopled.post("/canned-replies", {"name": "Greeting", "body": "Hello {{customer.name}}, it is #{{ticket.number}}."})
    number = peopled.open(requester={"email": KIM})["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}")
    ready(ada)
    ada.get_by_label(re.compile("^Reply to")).click()
    ada.locator("#canned").select_option(label="Greeting")
    expect(ada.locator("[data-canned-fault]")).to_contain_text("{{customer.name}} is empty")
    expect(ada.get_by_label(re.compile("^Reply to"))).to_have_value("")


def test_administration_fits_a_phone(people, peopled):
    mara = people.agent("mara@desk.example", viewport={"width": 390, "height": 844})
    for path in [
        "/admin/intake",
        "/admin/topics",
        "/admin/topics/new",
        "/admin/schedules/new",
        "/admin/outbox",
        "/admin/agents",
        "/desk?list=open",
    ]:
        mara.goto(path)
        width = mara.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, (path, width)
