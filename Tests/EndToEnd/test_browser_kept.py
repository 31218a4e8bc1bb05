"""What was written stays: offline, in two tabs, signed out, reloaded; and a page is found where it was left."""

import re

import pytest
from playwright.sync_api import expect

from conftest import PASSWORD
from desk import Desk, wait_for


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    """One desk for all: each test writes in a ticket of its own, and browsers keep what they keep on every database."""
    desk = Desk(tmp_path_factory.mktemp("desk"), "sqlite").start()
    desk.add_agent("mara@desk.example", "Mara Lindqvist", "administrator", password=PASSWORD)
    desk.add_agent("ada@desk.example", "Ada Lind", password=PASSWORD)
    desk.post("/canned-replies", {"name": "Restart", "body": "Please restart it.\n\nThen try again."})
    yield desk
    desk.stop()


@pytest.fixture
def ada(people, peopled):
    """Ada, with a new ticket open."""
    page = people.agent("ada@desk.example")
    visit(page, f"/desk/tickets/{peopled.open()['number']}")
    return page


def visit(page, path):
    page.goto(path)
    page.locator(".desk[data-ready]").wait_for()


def again(page):
    page.reload()
    page.locator(".desk[data-ready]").wait_for()


def second_tab(page):
    other = page.context.new_page()
    visit(other, page.url)
    return other


def reply(page):
    return page.get_by_label(re.compile("^Reply to"))


def kept(page):
    return page.locator("[data-kept]")


def write(page, words):
    reply(page).click()
    page.keyboard.type(words)


def still(box):
    """Once it has stopped moving: a browser does not take the next key before."""
    box.evaluate("""box => new Promise(done => {
        let last = null, same = 0;
        const look = () => {
            same = box.scrollTop === last ? same + 1 : 0;
            last = box.scrollTop;
            if (same > 10) done(); else requestAnimationFrame(look);
        };
        look();
    })""")


def drafts(desk, page):
    number = page.url.split("/")[-1].split("?")[0]
    return [
        row[0]
        for row in desk.sql(
            f"SELECT body FROM draft JOIN ticket ON ticket.id = draft.ticket_id WHERE ticket.number = {number}"
        )
    ]


def file_of(page, name, kind="image/png"):
    """A picture on the clipboard, pasted into the reply."""
    reply(page).evaluate(
        """(box, [name, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File(["picture"], name, { type: kind }));
        box.focus();
        box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }""",
        [name, kind],
    )


def sign_out_elsewhere(page):
    """As when a session is over: the browser has it no more."""
    page.context.clear_cookies(name=re.compile("session"))


# MARK: a long conversation


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 1280, "height": 800}},
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
        {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    ],
    ids=["desk", "zoomed", "phone"],
)
def test_a_long_conversation_opens_at_its_end_and_can_be_read_from_its_beginning(people, peopled, look):
    number = peopled.open()["number"]
    for index in range(60):
        peopled.post(
            f"/tickets/{number}/entries",
            {"kind": "message", "body": f"Page {index} is white.", "author": {"email": "kim@harbour.example"}},
        )
    ada = people.agent("ada@desk.example", **look)
    visit(ada, f"/desk/tickets/{number}")
    entries = ada.locator(".entry")
    expect(entries.last).to_be_in_viewport()
    expect(entries.first).not_to_be_in_viewport()
    talk = ada.get_by_role("region", name="Conversation")
    talk.focus()
    ada.keyboard.press("Home")
    expect(entries.first).to_be_in_viewport()
    still(talk)
    ada.keyboard.press("End")
    expect(entries.last).to_be_in_viewport()
    # A link to a message leads there, and what comes in meanwhile does not lead away from it.
    middle = entries.nth(30)
    ada.goto(f"/desk/tickets/{number}#{middle.get_attribute('id')}")
    ada.locator(".desk[data-ready]").wait_for()
    expect(middle).to_be_in_viewport()
    peopled.post(
        f"/tickets/{number}/entries",
        {"kind": "message", "body": "And one more.", "author": {"email": "kim@harbour.example"}},
    )
    expect(entries).to_have_count(62)
    expect(middle).to_be_in_viewport()


def test_a_long_conversation_is_read_without_a_script_and_a_short_one_begins_at_the_top(people, peopled):
    number = peopled.open()["number"]
    ada = people.agent("ada@desk.example", java_script_enabled=False)
    ada.goto(f"/desk/tickets/{number}")
    assert ada.locator(".entry").first.bounding_box()["y"] < 300
    for index in range(40):
        peopled.post(
            f"/tickets/{number}/entries",
            {"kind": "message", "body": f"Page {index} is white.", "author": {"email": "kim@harbour.example"}},
        )
    ada.goto(f"/desk/tickets/{number}")
    expect(ada.locator(".entry").last).to_be_in_viewport()
    ada.goto(f"/desk/tickets/{number}#{ada.locator('.entry').first.get_attribute('id')}")
    expect(ada.locator(".entry").first).to_be_in_viewport()


# MARK: what was typed


def test_words_typed_without_a_network_are_newer_than_the_draft(ada, peopled):
    write(ada, "It is")
    expect(kept(ada)).to_contain_text("Draft saved")
    ada.context.set_offline(True)
    ada.keyboard.type(" the lid.")
    expect(kept(ada)).to_contain_text("offline")
    # The network is back once the page is gone: nothing of it could be sent.
    url, context = ada.url, ada.context
    ada.close(run_before_unload=False)
    page = context.new_page()
    context.set_offline(False)
    assert peopled.sql("SELECT body FROM draft ORDER BY saved_at DESC")[0] == ["It is"]
    visit(page, url)
    expect(reply(page)).to_have_value("It is the lid.")
    wait_for(lambda: drafts(peopled, page) == ["It is the lid."])


def test_neither_is_lost_where_the_draft_and_the_kept_words_differ(ada, peopled):
    write(ada, "One")
    expect(kept(ada)).to_contain_text("Draft saved")
    ada.context.set_offline(True)
    ada.keyboard.type(" and two")
    expect(kept(ada)).to_contain_text("offline")
    # Meanwhile the same draft was written on from another device.
    url, context = ada.url, ada.context
    ada.close(run_before_unload=False)
    page = context.new_page()
    peopled.sql("UPDATE draft SET body = 'Quite another' WHERE body = 'One'")
    context.set_offline(False)
    visit(page, url)
    expect(reply(page)).to_have_value("Quite another\n\n---\n\nOne and two")


def test_two_tabs_of_one_ticket_show_the_same_words(ada, peopled):
    other = second_tab(ada)
    write(ada, "A long answer from the first tab.")
    expect(reply(other)).to_have_value("A long answer from the first tab.")
    reply(other).click()
    other.keyboard.press("Control+End")
    other.keyboard.type(" And more.")
    expect(reply(ada)).to_have_value("A long answer from the first tab. And more.")
    wait_for(lambda: drafts(peopled, ada) == ["A long answer from the first tab. And more."])
    # What was sent in one is not there to be sent again in the other.
    other.keyboard.press("Control+Enter")
    other.wait_for_url("**said=sent*")
    expect(reply(ada)).to_have_value("")
    assert drafts(peopled, ada) == []


def test_a_tab_that_heard_nothing_keeps_both(ada):
    other = second_tab(ada)
    write(ada, "The first tab.")
    expect(reply(other)).to_have_value("The first tab.")
    # As a tab that slept: it has words of its own, of which nobody heard.
    reply(other).evaluate("box => { box.value = 'The second tab.'; }")
    ada.keyboard.insert_text(" Goes on.")
    expect(reply(other)).to_have_value("The second tab.\n\n---\n\nThe first tab. Goes on.")
    expect(reply(ada)).to_have_value("The second tab.\n\n---\n\nThe first tab. Goes on.")


def test_whoever_is_signed_out_is_told_and_finds_the_words_again(ada, peopled):
    write(ada, "Before. ")
    expect(kept(ada)).to_contain_text("Draft saved")
    url = ada.url
    sign_out_elsewhere(ada)
    ada.keyboard.type("After.")
    expect(kept(ada)).to_contain_text("Your session has expired")
    expect(kept(ada)).not_to_contain_text("offline")
    kept(ada).get_by_role("link", name="Sign in").click()
    ada.get_by_label("Email", exact=True).fill("ada@desk.example")
    ada.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.get_by_role("button", name="Sign in").click()
    ada.wait_for_url(url)
    expect(reply(ada)).to_have_value("Before. After.")
    wait_for(lambda: drafts(peopled, ada) == ["Before. After."])


def test_signing_in_anew_in_another_tab_is_enough(people, ada, peopled):
    sign_out_elsewhere(ada)
    write(ada, "Still here.")
    expect(kept(ada)).to_contain_text("Your session has expired")
    other = ada.context.new_page()
    people.sign_in(other, "ada@desk.example")
    wait_for(lambda: drafts(peopled, ada) == ["Still here."], 25)
    expect(kept(ada)).to_contain_text("Draft saved")


def test_a_pasted_picture_is_there_after_a_reload_and_goes_along(ada, peopled):
    write(ada, "Look:")
    file_of(ada, "image.png")
    expect(reply(ada)).to_have_value("Look: [image-1.png]")
    expect(kept(ada)).to_contain_text("Draft saved")
    again(ada)
    expect(reply(ada)).to_have_value("Look: [image-1.png]")
    chosen = ada.locator("form.box.reply [data-chosen] li")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("image-1.png")
    reply(ada).click()
    ada.keyboard.press("Control+Enter")
    ada.wait_for_url("**said=sent*")
    expect(ada.locator(".entry.reply img, .entry.reply .file")).not_to_have_count(0)
    # It was sent: it does not come again.
    again(ada)
    expect(reply(ada)).to_have_value("")
    expect(chosen).to_have_count(0)
    # Taken out, its name goes too.
    file_of(ada, "image.png")
    expect(reply(ada)).to_have_value("[image-1.png]")
    chosen.get_by_role("button").click()
    expect(reply(ada)).to_have_value("")


def test_the_subject_of_a_split_comes_back(ada, peopled):
    number = ada.url.split("/")[-1]
    peopled.post(
        f"/tickets/{number}/entries",
        {"kind": "message", "body": "And the fax.", "author": {"email": "kim@harbour.example"}},
    )
    expect(ada.locator(".entry")).to_have_count(2)

    def ask():
        ada.locator(".entry").last.get_by_label("Message actions").click()
        ada.get_by_role("link", name="Split into new ticket").click()

    subject = ada.get_by_label("Subject of the new ticket")
    ask()
    expect(subject).to_have_value("Scanner sends empty pages")
    # Nothing was typed, so nothing was kept.
    ada.keyboard.press("Escape")
    expect(kept(ada)).not_to_contain_text("Draft saved")
    ask()
    subject.fill("The fax is broken")
    ada.keyboard.press("Escape")
    expect(kept(ada)).to_contain_text("Draft saved")
    again(ada)
    ask()
    expect(subject).to_have_value("The fax is broken")


def test_without_a_network_the_page_stays_and_says_so(ada):
    write(ada, "Not yet.")
    expect(kept(ada)).to_contain_text("Draft saved")
    ada.context.set_offline(True)
    ada.keyboard.press("Control+Enter")
    expect(kept(ada)).to_contain_text("offline")
    expect(reply(ada)).to_have_value("Not yet.")
    ada.locator("#canned").select_option(label="Restart")
    expect(kept(ada)).to_contain_text("offline")
    expect(reply(ada)).to_have_value("Not yet.")
    ada.keyboard.press("Escape")
    ada.get_by_role("region", name="Conversation").focus()
    for key in ["e", "a", "t"]:
        ada.keyboard.press(key)
        expect(ada.locator("[data-told]")).to_contain_text("offline")
    expect(ada.locator("[data-told]")).to_have_count(1)
    ada.context.set_offline(False)
    reply(ada).click()
    ada.keyboard.press("Control+Enter")
    ada.wait_for_url("**said=sent*")


def test_what_is_put_in_stands_apart_and_can_be_taken_out_again(ada):
    box = reply(ada)
    write(ada, "Hello Kim,")
    ada.locator("#canned").select_option(label="Restart")
    expect(box).to_have_value("Hello Kim,\n\nPlease restart it.\n\nThen try again.")
    ada.keyboard.press("Control+z")
    expect(box).to_have_value("Hello Kim,")
    ada.locator(".entry").first.get_by_label("Message actions").click()
    ada.locator(".entry").first.get_by_role("button", name="Quote").click()
    expect(box).to_have_value("Hello Kim,\n\n> Since this morning every page is white.\n\n")
    ada.keyboard.press("Control+z")
    expect(box).to_have_value("Hello Kim,")


# MARK: lists


def test_a_list_is_found_where_it_was_left(people, peopled):
    for _ in range(40):
        peopled.open()
    ada = people.agent("ada@desk.example", viewport={"width": 1280, "height": 600})
    visit(ada, "/desk?list=open")
    # Far down, and reached by scrolling.
    row = ada.locator(".tickets a.subject").nth(35)
    address = row.get_attribute("href")
    row.scroll_into_view_if_needed()
    top = ada.locator(".grid-wrap").evaluate("list => list.scrollTop")
    assert top > 300
    row.click()
    ada.wait_for_url("**/desk/tickets/**")
    ada.go_back()
    ada.locator(".desk[data-ready]").wait_for()
    assert ada.locator(".grid-wrap").evaluate("list => list.scrollTop") == top
    expect(ada.locator(f"a.subject[href='{address}']")).to_be_focused()
    # News do not move it.
    peopled.post(
        f"/tickets/{re.search(r'[0-9]+', address).group()}/entries",
        {"kind": "message", "body": "Quite new", "author": {"email": "kim@harbour.example"}},
    )
    expect(ada.locator(".tickets")).to_contain_text("Quite new")
    assert ada.locator(".grid-wrap").evaluate("list => list.scrollTop") == top
    # Whoever goes there anew begins at the top.
    visit(ada, "/desk?list=mine")
    visit(ada, "/desk?list=open")
    assert ada.locator(".grid-wrap").evaluate("list => list.scrollTop") == 0


# MARK: forms


def test_an_article_is_kept_until_it_is_saved(people, peopled):
    mara = people.agent("mara@desk.example")
    visit(mara, "/desk/kb/new")
    mara.get_by_label("Title").fill("How to open the lid")
    mara.get_by_label("Slug").fill("lid")
    body = mara.locator("textarea[name=body]")
    body.fill("Pull it.")
    visit(mara, "/desk")
    visit(mara, "/desk/kb/new")
    expect(body).to_have_value("Pull it.")
    expect(mara.get_by_label("Title")).to_have_value("How to open the lid")
    expect(mara.locator("form > .said")).to_be_visible()
    mara.get_by_role("button", name="Save").click()
    mara.wait_for_url("**/desk/kb**said=**")
    visit(mara, "/desk/kb/new")
    expect(body).to_have_value("")
    expect(mara.locator("form > .said")).to_have_count(0)
    # Somebody thinks better of it.
    body.fill("Nonsense")
    again(mara)
    expect(body).to_have_value("Nonsense")
    mara.locator("form > .said button").click()
    expect(body).to_have_value("")
    again(mara)
    expect(body).to_have_value("")


def test_files_of_a_refused_request_are_chosen_still(people, peopled, tmp_path):
    file = tmp_path / "lid.txt"
    file.write_text("It is hot.")
    kim = people.guest()
    kim.goto("/tickets/new")
    kim.get_by_label("Email").fill("kim@harbour.example")
    kim.get_by_label("Subject").fill("Lid")
    kim.get_by_label("Describe the problem").fill("It is hot.")
    kim.get_by_label("Attachments").set_input_files(file)
    # The server refuses what the page would not send.
    kim.locator("main form.card").evaluate("form => { form.noValidate = true; form.elements.email.value = 'kim'; }")
    kim.get_by_role("button", name="Send request").click()
    expect(kim.get_by_role("alert").first).to_be_visible()
    chosen = kim.locator("[data-chosen] li")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("lid.txt")
    kim.get_by_label("Email").fill("kim@harbour.example")
    kim.get_by_role("button", name="Send request").click()
    kim.wait_for_url("**sent**")
    number = max(ticket["number"] for ticket in peopled.get("/tickets?limit=100")["items"])
    entry = peopled.get(f"/tickets/{number}/entries")["items"][0]
    assert [attachment["name"] for attachment in entry["attachments"]] == ["lid.txt"]
    kim.goto("/tickets/new")
    expect(kim.get_by_label("Subject")).to_have_value("")
    expect(chosen).to_have_count(0)


def test_what_was_done_is_said_once(ada, peopled):
    # What can still be undone is said by its own bar, on every page until then.
    peopled.patch("/settings", {"undo_seconds": 0})
    ada.keyboard.press("t")
    expect(ada.get_by_role("status").filter(has_text="assigned to you")).to_be_visible()
    ada.wait_for_url(lambda address: "said=" not in address)
    visit(ada, "/desk?list=mine")
    ada.go_back()
    ada.locator(".desk[data-ready]").wait_for()
    expect(ada.get_by_role("status").filter(has_text="assigned to you")).to_have_count(0)
    peopled.patch("/settings", {"undo_seconds": 10})
