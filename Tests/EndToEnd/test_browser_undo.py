"""What was done by mistake is undone from the page, before anybody hears of it."""

import os

import pytest
from playwright.sync_api import expect

from desk import wait_for

KIM = "kim@harbour.example"


@pytest.fixture
def undoing(peopled):
    peopled.patch("/settings", {"undo_seconds": 10})
    return peopled


def look(page, name):
    """Keeps a picture where a folder is named, to look at."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_resolving_without_words_is_undone_and_nobody_is_asked(people, undoing, sink):
    number = undoing.open(subject="The glass is scratched")["number"]
    sink.wait(KIM)
    before = len(sink.to(KIM))
    ada = people.agent("ada@desk.example")
    for name, width, height in [("desk", 1280, 800), ("phone", 390, 844)]:
        ada.set_viewport_size({"width": width, "height": height})
        ada.goto(f"/desk/tickets/{number}/do/resolve?list=open")
        ada.get_by_role("button", name="Resolve").last.click()
        bar = ada.locator("[data-takeback]")
        expect(bar).to_contain_text(f"Ticket #{number} resolved.")
        expect(bar.get_by_role("link", name="Next ticket")).to_be_visible()
        look(ada, f"undo-{name}")
        # Nothing lies over the button.
        bar.get_by_role("button", name="Undo").click()
        expect(ada.get_by_text("The ticket is as it was before.")).to_be_visible()
        assert undoing.ticket(number)["state"] == "new"
    assert len(sink.to(KIM)) == before


def test_the_bar_of_an_action_that_is_over_leaves_the_ways_on(people, undoing):
    number = undoing.open(subject="The tray sticks")["number"]
    ada = people.agent("ada@desk.example")
    ada.clock.install()
    ada.goto(f"/desk/tickets/{number}/do/hold?list=open")
    ada.get_by_role("button", name="Put on hold").last.click()
    bar = ada.locator("[data-takeback]")
    expect(bar).to_contain_text(f"Ticket #{number} put on hold.")
    # The script counts from its own beginning.
    expect(bar.locator(".num")).not_to_have_text("10")
    ada.clock.run_for(11_000)
    expect(bar.get_by_role("button", name="Undo")).to_be_hidden()
    expect(bar.get_by_role("link", name="Next ticket")).to_be_visible()


def test_many_closed_at_once_are_undone_at_once(people, undoing):
    numbers = [undoing.open(subject=f"Line {index} is dead")["number"] for index in range(3)]
    ada = people.agent("ada@desk.example")
    ada.goto("/desk/search?query=dead")
    ada.get_by_label("Select all on this page").check()
    ada.get_by_label("Bulk actions").select_option(label="Close")
    ada.get_by_role("button", name="Apply").click()
    ada.get_by_role("button", name="Close tickets").click()
    bar = ada.locator("[data-takeback]")
    expect(bar).to_contain_text("3 tickets closed.")
    look(ada, "undo-many")
    ada.keyboard.press("z")
    expect(ada.get_by_text("The tickets are as they were before.")).to_be_visible()
    wait_for(lambda: all(undoing.ticket(number)["state"] == "new" for number in numbers))
