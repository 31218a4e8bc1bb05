"""Merging with a look at both tickets, taking it back, splitting from a message's menu, and links: by mouse, by keyboard, without a script."""

import os
import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

LEE = {"email": "lee@corner.example", "name": "Lee Okafor"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def ready(page):
    page.locator(".desk[data-ready]").wait_for()


def clean(page, name):
    """Nothing that axe finds; a picture where somebody asks for them."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"], v["nodes"][0].get("failureSummary")) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def merge_dialog(page):
    ready(page)
    page.locator(".tools summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Merge").focus()
    page.keyboard.press("Enter")
    return page.get_by_role("dialog")


def test_a_merge_is_looked_at_found_by_words_and_taken_back(people, peopled):
    first = peopled.open(subject="Scanner sends empty pages")["number"]
    second = peopled.open(subject="Scanner in hall B jams", body="It jams since Monday.")["number"]
    peopled.open(subject="Invoice")
    foreign = peopled.open(subject="Phones are dead", requester=LEE)["number"]
    ada = people.agent("ada@desk.example", viewport={"width": 1280, "height": 800})
    ada.goto(f"/desk/tickets/{first}")
    dialog = merge_dialog(ada)
    field = dialog.get_by_label("Number of the other ticket")
    expect(field).to_be_focused()
    expect(dialog.get_by_role("link")).to_have_count(2)
    clean(ada, "merge-ask")
    ada.keyboard.type("hall")
    ada.keyboard.press("Enter")
    expect(dialog.get_by_role("link")).to_have_count(1)
    expect(field).to_have_value("hall")
    clean(ada, "merge-found")
    field.fill("nothing like it")
    ada.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("Enter a ticket number, such as 100123.")
    expect(field).to_have_value("nothing like it")
    # Somebody else's ticket carries a warning.
    field.fill(f"#{foreign}")
    ada.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("different people")
    clean(ada, "merge-warning")
    ada.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    dialog = merge_dialog(ada)
    link = dialog.get_by_role("link", name=re.compile(f"#{second}"))
    link.focus()
    ada.keyboard.press("Enter")
    for words in [
        "Scanner sends empty pages",
        "Since this morning",
        "Scanner in hall B jams",
        "It jams since Monday.",
        "1 message",
    ]:
        expect(dialog).to_contain_text(words)
    expect(dialog.get_by_role("alert")).to_have_count(0)
    clean(ada, "merge-look")
    dialog.get_by_role("button", name="Merge tickets").click()
    expect(ada.locator(".talk")).to_contain_text("Since this morning every page is white.")
    assert f"/tickets/{second}" in ada.url and peopled.ticket(first)["state"] == "merged"
    clean(ada, "merged-target")
    # The old number says where everything is.
    ada.goto(f"/desk/tickets/{first}")
    clean(ada, "merged")
    ada.get_by_role("link", name=f"Open #{second}").click()
    ada.wait_for_url(f"**/tickets/{second}")
    ready(ada)
    ada.locator(".events").get_by_role("link", name="Unmerge").focus()
    ada.keyboard.press("Enter")
    dialog = ada.get_by_role("dialog")
    expect(dialog).to_contain_text("gets back the status")
    clean(ada, "unmerge")
    dialog.get_by_role("button", name="Unmerge").click()
    ada.wait_for_url(f"**/tickets/{first}?**")
    expect(ada.locator(".talk")).to_contain_text("Since this morning every page is white.")
    assert peopled.ticket(first)["state"] == "new"
    assert [entry["text"] for entry in peopled.entries(second)] == ["It jams since Monday."]
    assert peopled.kinds(first)[-1] == peopled.kinds(second)[-1] == "unmerged"
    assert peopled.act(first, "unmerge", status=409)["title"]


def test_a_message_is_split_off_from_its_menu(people, peopled, sink):
    number = peopled.open()["number"]
    peopled.post(f"/tickets/{number}/entries", {"kind": "message", "body": "And the invoice is wrong."})
    sink.wait("kim@harbour.example")
    mails = len(sink.messages)
    ada = people.agent("ada@desk.example", viewport={"width": 1280, "height": 800})
    ada.goto(f"/desk/tickets/{number}?list=open")
    ready(ada)
    menu = ada.locator("article", has_text="And the invoice").get_by_label("Message actions")
    menu.focus()
    ada.keyboard.press("Enter")
    ada.get_by_role("link", name="Split into new ticket").focus()
    ada.keyboard.press("Enter")
    dialog = ada.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox")).to_have_count(2)
    expect(dialog.get_by_role("checkbox").nth(1)).to_be_checked()
    clean(ada, "split")
    dialog.get_by_label("Subject of the new ticket").fill("The invoice")
    dialog.get_by_role("checkbox").nth(0).check()
    dialog.get_by_role("button", name="Split ticket").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Leave at least one message in this ticket.")
    expect(dialog.get_by_label("Subject of the new ticket")).to_have_value("The invoice")
    dialog.get_by_role("checkbox").nth(0).uncheck()
    dialog.get_by_role("button", name="Split ticket").click()
    ada.wait_for_url("**said=split**")
    new = int(re.search(r"/tickets/(\d+)", ada.url).group(1))
    expect(ada.locator(".subject-bar")).to_contain_text("The invoice")
    expect(ada.locator(".thread")).to_contain_text("And the invoice is wrong.")
    clean(ada, "split-new")
    ada.locator(".events").get_by_role("link", name=f"#{number}").click()
    ada.wait_for_url(f"**/tickets/{number}")
    expect(ada.locator(".events").get_by_role("link", name=f"#{new}")).to_be_visible()
    assert [entry["text"] for entry in peopled.entries(new)] == ["And the invoice is wrong."]
    assert len(sink.messages) == mails
    # The same over the API, once however often it is asked.
    peopled.post(f"/tickets/{number}/entries", {"kind": "note", "body": "A third matter"})
    last = peopled.entries(number)[-1]["id"]
    answers = [
        peopled.post(
            f"/tickets/{number}/actions/split", {"entries": [last]}, status=201, headers={"Idempotency-Key": "x"}
        )
        for _ in range(2)
    ]
    assert answers[0] == answers[1] and answers[0]["requester"]["email"] == "kim@harbour.example"
    rest = [entry["id"] for entry in peopled.entries(number)]
    for wrong in ([], rest, [last], ["x"]):
        peopled.act(number, "split", status=422, entries=wrong)


def test_tickets_are_linked_and_unlinked(people, peopled):
    first, second = (
        peopled.open(subject="Scanner")["number"],
        peopled.open(subject="Printer driver", requester=LEE)["number"],
    )
    for look in ({"width": 1280, "height": 800}, {"width": 390, "height": 844}):
        ada = people.agent("ada@desk.example", viewport=look, color_scheme="dark" if look["width"] == 390 else "light")
        ada.goto(f"/desk/tickets/{first}")
        ready(ada)
        if look["width"] == 390:
            ada.get_by_role("button", name="Ticket details").click()
        ada.locator("#details").get_by_role("link", name="Link ticket").focus()
        ada.keyboard.press("Enter")
        dialog = ada.get_by_role("dialog").filter(has=ada.get_by_label("Ticket number"))
        dialog.get_by_label("Ticket number").fill("printer")
        dialog.get_by_label("This ticket is").select_option(label="Blocked by")
        clean(ada, f"link-{look['width']}")
        dialog.get_by_role("button", name="Link ticket").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Enter a ticket number, such as 100123.")
        expect(dialog.get_by_label("This ticket is")).to_have_value("blocked_by")
        dialog.get_by_label("Ticket number").fill(f"#{second}")
        ada.keyboard.press("Enter")
        expect(ada.get_by_role("status")).to_contain_text("Ticket linked.")
        if look["width"] == 390:
            ada.get_by_role("button", name="Ticket details").click()
        expect(ada.locator(".links")).to_contain_text("Printer driver")
        clean(ada, f"linked-{look['width']}")
        assert peopled.ticket(second)["links"] == [
            {"kind": "blocks", "number": first, "subject": "Scanner", "state": "new"}
        ]
        ada.get_by_role("button", name=f"Remove the link to #{second}").click()
        expect(ada.get_by_role("status")).to_contain_text("Link removed.")
        assert peopled.ticket(first)["links"] == []
        assert peopled.kinds(second)[-1] == "unlinked"


def test_on_a_phone_in_the_dark_and_without_a_script(people, peopled):
    first, second = (
        peopled.open(subject="Scanner")["number"],
        peopled.open(subject="Phones are dead", requester=LEE)["number"],
    )
    ada = people.agent(
        "ada@desk.example", viewport={"width": 390, "height": 844}, color_scheme="dark", java_script_enabled=False
    )
    ada.goto(f"/desk/tickets/{first}/do/merge")
    ada.get_by_label("Number of the other ticket").fill(str(second))
    ada.get_by_role("button", name="Continue").click()
    expect(ada.get_by_role("dialog")).to_contain_text("Phones are dead")
    if folder := os.environ.get("PICTURES"):
        ada.screenshot(path=f"{folder}/merge-phone.png")
    ada.get_by_role("button", name="Merge tickets").click()
    ada.wait_for_url(f"**/tickets/{second}?**")
    ada.goto(f"/desk/tickets/{first}/do/unmerge")
    ada.get_by_role("button", name="Unmerge").click()
    assert peopled.ticket(first)["state"] == "new"
    phone = people.agent("ben@desk.example", viewport={"width": 390, "height": 844}, color_scheme="dark")
    for path, name in [(f"merge?into={second}", "merge-look-phone"), ("split", "split-phone"), ("link", "link-phone")]:
        phone.goto(f"/desk/tickets/{first}/do/{path}")
        clean(phone, name)
