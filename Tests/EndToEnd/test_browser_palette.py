"""Ctrl K: whatever the page can do and wherever one can go, by typing."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_the_palette_goes_and_does(people, peopled):
    number = peopled.open(subject="Scanner sends empty pages")["number"]
    other = peopled.open(subject="Printer queue stuck")["number"]
    ada = people.agent("ada@desk.example")
    palette = ada.locator("#palette")

    def call():
        ada.locator(".desk[data-ready]").wait_for()
        ada.keyboard.press("Control+k")

    field = palette.get_by_role("combobox")

    # Where one can go, by any part of its name.
    call()
    expect(field).to_be_focused()
    field.fill("unas")
    expect(palette.get_by_role("option").first).to_contain_text("Unassigned")
    ada.keyboard.press("Enter")
    expect(ada).to_have_url(re.compile(r"list=unassigned"))

    # A ticket by its number, and by words of its subject.
    call()
    field.fill(f"#{number}")
    ada.keyboard.press("Enter")
    expect(ada.locator(".ticket")).to_contain_text("Scanner sends empty pages")

    # What can be done with the ticket comes first.
    call()
    field.fill("resol")
    expect(palette.get_by_role("option", selected=True)).to_contain_text("Resolve")
    found = Axe().run(ada).response["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
    ada.keyboard.press("Enter")
    expect(ada.locator("#action")).to_contain_text("Resolve")
    ada.keyboard.press("Escape")

    # What is elsewhere is looked for; arrows move, Escape closes.
    call()
    field.fill("queue")
    hit = palette.get_by_role("option", name=re.compile("Printer queue stuck"))
    expect(hit).to_be_visible()
    ada.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    call()
    field.fill("queue")
    hit.click()
    expect(ada).to_have_url(re.compile(f"/desk/tickets/{other}"))
