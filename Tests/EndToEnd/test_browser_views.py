"""A search is saved as a view: it stands in the navigation with its number, and agents work through it."""

import csv
import io
import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from test_browser_place import pane, press, ready

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def save(page, query, name):
    """Saves a search as a view, as an agent does."""
    page.goto(f"/desk/search?query={query}")
    ready(page)
    page.get_by_role("link", name="Save as view").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("status")).to_contain_text("View saved.")


def link(page, name):
    return page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile(name))


def axe_is_clean(page):
    results = Axe().run(page, options=AXE)
    assert results.violations_count == 0, results.generate_report()


def test_a_view_is_a_place_to_work_in(people, peopled):
    numbers = [peopled.open(subject=f"Printer {index}")["number"] for index in range(4)]
    peopled.open(subject="Something else")
    ada = people.agent("ada@desk.example")
    save(ada, "printer%20is:open&sort=oldest", "Printers")
    expect(ada.get_by_role("heading", level=1)).to_have_text("Printers")
    expect(ada.locator(".tickets tbody tr")).to_have_count(4)
    expect(link(ada, "Printers").locator(".num")).to_have_text("4")
    axe_is_clean(ada)
    ada.get_by_role("link", name=re.compile("Printer 1")).click()
    expect(pane(ada)).to_have_count(4)
    expect(ada.locator(".pane [aria-current=true]")).to_contain_text("Printer 1")
    # Resolved, it leaves the view; the next is the one that stood below it.
    ready(ada)
    ada.keyboard.press("e")
    ada.get_by_role("dialog").get_by_label("The solution").fill("Done.")
    ada.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    expect(ada.get_by_role("status")).to_contain_text("Ticket resolved.")
    expect(pane(ada)).to_have_count(3)
    expect(link(ada, "Printers").locator(".num")).to_have_text("3")
    ada.get_by_role("link", name="Next ticket").click()
    ada.wait_for_url(f"**/desk/tickets/{numbers[2]}?view=*")
    press(ada, "k")
    assert f"/tickets/{numbers[0]}?view=" in ada.url
    ada.locator(".pane header a").click()
    ada.wait_for_url("**/desk/views/*")
    expect(ada.locator(".tickets tbody tr")).to_have_count(3)
    # What others do shows in the number, too.
    peopled.open(subject="Printer 9")
    expect(link(ada, "Printers").locator(".num")).to_have_text("4", timeout=15_000)
    # It is nobody else's.
    ben = people.agent("ben@desk.example")
    expect(link(ben, "Printers")).to_have_count(0)
    assert ben.goto(ada.url).status == 404


def test_a_view_is_changed_exported_and_removed(people, peopled):
    peopled.open(subject="=1+1", tags=["vip"])
    mara = people.agent("mara@desk.example")
    save(mara, "tag:vip", "Guests")
    mara.get_by_role("link", name="Edit view").click()
    form = mara.get_by_role("dialog")
    form.get_by_label("Name").fill("")
    form.get_by_label("Visible to").select_option(label="Everyone")
    form.get_by_label("Column 1", exact=True).select_option(label="Tags")
    form.get_by_label("Column 2", exact=True).select_option(label="Subject")
    form.get_by_label("Query").fill("state:nowhere")
    form.get_by_label("Name").fill("VIP")
    form.get_by_role("button", name="Save changes").click()
    # Refused, it stands on its page with all that was typed.
    expect(mara.locator("#query-fault")).to_contain_text("nowhere")
    expect(mara.get_by_label("Query")).to_have_value("state:nowhere")
    expect(mara.get_by_label("Column 1", exact=True)).to_have_value("tags")
    axe_is_clean(mara)
    mara.get_by_label("Query").fill("tag:vip")
    mara.get_by_role("button", name="Save changes").click()
    expect(mara.get_by_role("heading", level=1)).to_have_text("VIP")
    expect(mara.get_by_role("columnheader").first).to_have_text("Tags")
    with mara.expect_download() as download:
        mara.get_by_role("link", name="Export CSV").click()
    rows = list(csv.reader(io.StringIO(open(download.value.path(), newline="", encoding="utf-8").read())))
    assert rows[0][:3] == ["Number", "Tags", "Subject"] and rows[1][1:3] == ["vip", "'=1+1"], rows
    # Everybody has it now, and only administrators change it.
    ada = people.agent("ada@desk.example")
    link(ada, "VIP").click()
    expect(ada.get_by_role("heading", level=1)).to_have_text("VIP")
    expect(ada.get_by_role("link", name="Edit view")).to_have_count(0)
    mara.get_by_role("link", name="Remove view").click()
    dialog = mara.get_by_role("dialog")
    expect(dialog).to_contain_text("removed for everyone")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    mara.get_by_role("link", name="Remove view").click()
    dialog.get_by_role("button", name="Remove view").click()
    expect(mara.get_by_role("status")).to_contain_text("View removed.")
    expect(link(mara, "VIP")).to_have_count(0)


def test_without_scripts_and_on_a_phone(people, peopled):
    for index in range(3):
        peopled.open(subject=f"Printer {index}", tags=["vip"])
    phone = {"viewport": {"width": 390, "height": 844}}
    ada = people.agent("ada@desk.example", java_script_enabled=False, **phone)
    ada.goto("/desk/search?query=printer")
    ada.get_by_role("link", name="Save as view").click()
    ada.get_by_label("Name").fill("Printers")
    ada.get_by_label("Column 2", exact=True).select_option(label="Tags")
    ada.get_by_label("Group by").select_option(label="Status")
    ada.get_by_role("button", name="Save view").click()
    expect(ada.get_by_role("status")).to_contain_text("View saved.")
    expect(ada.locator(".tickets tr:not(.group) a.subject")).to_have_count(3)
    ada.get_by_role("link", name="Remove view").click()
    expect(ada.get_by_role("heading", level=1)).to_contain_text("Remove the view “Printers”?")
    ada.get_by_role("link", name="Cancel").click()
    for scheme in ["light", "dark"]:
        page = people.agent("ada@desk.example", color_scheme=scheme, **phone)
        for path in ["/desk/views/1", "/desk/views/1/edit", "/desk/views", "/desk/views/new?query=printer"]:
            page.goto(path)
            ready(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
            axe_is_clean(page)
        page.goto("/desk/views/1")
        ready(page)
        page.get_by_label("Open navigation").click()
        expect(link(page, "Printers").locator(".num")).to_have_text("3")
