"""Writing in a ticket: marks by key and button, lists that go on, pasted text as Markdown, and nothing that was written lost."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import PASSWORD
from desk import Desk, wait_for


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    """One desk for all: each test writes in a ticket of its own, and what a box does is the same on every database."""
    desk = Desk(tmp_path_factory.mktemp("desk"), "sqlite").start()
    desk.add_agent("ada@desk.example", "Ada Lind", password=PASSWORD)
    yield desk
    desk.stop()


@pytest.fixture
def ada(people, peopled):
    """Ada, with a new ticket open."""
    page = people.agent("ada@desk.example")
    page.goto(f"/desk/tickets/{peopled.open()['number']}")
    page.locator(".desk[data-ready]").wait_for()
    return page


def reply(page):
    return page.get_by_label(re.compile("^Reply to"))


def tools(page):
    return page.locator("form.box.reply").get_by_role("toolbar", name="Formatting")


def tool(page, name):
    return tools(page).get_by_role("button", name=name, exact=True)


def write(page, words):
    reply(page).click()
    page.keyboard.type(words)


def choose(page, words):
    """Selects these words, as the pointer does."""
    reply(page).evaluate(
        "(box, words) => { box.focus(); box.setSelectionRange(box.value.indexOf(words), box.value.indexOf(words) + words.length); }",
        words,
    )


def chosen(page):
    return reply(page).evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")


def paste(page, text="", html="", file=None):
    """What another program left on the clipboard; whether the page took it, and did not leave it to the browser."""
    return reply(page).evaluate(
        """(box, [text, html, file]) => {
        const data = new DataTransfer();
        if (text) data.setData("text/plain", text);
        if (html) data.setData("text/html", html);
        if (file) data.items.add(new File(["picture"], file, { type: "image/png" }));
        box.focus();
        return !box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }""",
        [text, html, file],
    )


def test_marks_by_key_and_by_button(ada):
    box = reply(ada)
    write(ada, "The lid is hot")
    choose(ada, "lid")
    ada.keyboard.press("Control+b")
    expect(box).to_have_value("The **lid** is hot")
    assert chosen(ada) == "lid", "so that the same key takes the marks away"
    ada.keyboard.press("Control+b")
    expect(box).to_have_value("The lid is hot")
    choose(ada, "hot")
    tool(ada, "Bold").click()
    expect(box).to_have_value("The lid is **hot**")
    expect(box).to_be_focused()
    choose(ada, "**hot**")
    tool(ada, "Bold").click()
    expect(box).to_have_value("The lid is hot")
    choose(ada, "lid ")
    ada.keyboard.press("Control+i")
    expect(box).to_have_value("The _lid_ is hot")
    ada.keyboard.press("Control+b")
    expect(box).to_have_value("The _**lid**_ is hot")
    ada.keyboard.press("Control+i")
    expect(box).to_have_value("The **lid** is hot")
    choose(ada, "hot")
    ada.keyboard.press("Control+e")
    expect(box).to_have_value("The **lid** is `hot`")


def test_with_nothing_selected_the_caret_stands_between_the_marks(ada):
    write(ada, "Please ")
    ada.keyboard.press("Control+b")
    ada.keyboard.type("do not")
    ada.keyboard.press("Control+b")
    ada.keyboard.type(" open it")
    expect(reply(ada)).to_have_value("Please **do not** open it")
    ada.keyboard.press("Control+b")
    ada.keyboard.press("Control+b")
    expect(reply(ada)).to_have_value("Please **do not** open it")


def test_a_list_goes_on_with_enter_and_ends_with_an_empty_item(ada):
    write(ada, "Steps:\n1. unplug")
    ada.keyboard.press("Enter")
    ada.keyboard.type("wait")
    ada.keyboard.press("Enter")
    ada.keyboard.press("Enter")
    ada.keyboard.type("> you said")
    ada.keyboard.press("Enter")
    ada.keyboard.type("this")
    ada.keyboard.press("Enter")
    ada.keyboard.press("Enter")
    ada.keyboard.type("- [x] done")
    ada.keyboard.press("Enter")
    ada.keyboard.type("open")
    expect(reply(ada)).to_have_value("Steps:\n1. unplug\n2. wait\n\n> you said\n> this\n\n- [x] done\n- [ ] open")


def test_items_go_in_and_out_with_tab_and_escape_leaves(ada):
    box = reply(ada)
    write(ada, "- printer")
    ada.keyboard.press("Enter")
    ada.keyboard.press("Tab")
    ada.keyboard.type("paper")
    expect(box).to_have_value("- printer\n  - paper")
    ada.keyboard.press("Shift+Tab")
    expect(box).to_have_value("- printer\n- paper")
    expect(box).to_be_focused()
    # Nobody is held here: not by an item, and not by any other words.
    ada.keyboard.press("Escape")
    ada.keyboard.press("Tab")
    expect(tool(ada, "Bold")).to_be_focused()
    box.fill("no list")
    ada.keyboard.press("Tab")
    expect(tool(ada, "Bold")).to_be_focused()
    expect(box).to_have_value("no list")


def test_lists_and_quotes_by_button(ada):
    box = reply(ada)
    write(ada, "one\ntwo")
    ada.keyboard.press("Control+a")
    tool(ada, "Bulleted list").click()
    expect(box).to_have_value("- one\n- two")
    tool(ada, "Numbered list").click()
    expect(box).to_have_value("1. one\n2. two")
    tool(ada, "Numbered list").click()
    tool(ada, "Quote").click()
    expect(box).to_have_value("> one\n> two")
    ada.keyboard.press("Control+Shift+Period")
    expect(box).to_have_value("one\ntwo")
    tool(ada, "Code").click()
    expect(box).to_have_value("```\none\ntwo\n```")


def test_a_link_by_key_and_by_an_address_pasted_over_words(ada):
    box = reply(ada)
    write(ada, "See the manual first")
    choose(ada, "manual")
    ada.keyboard.press("Control+k")
    expect(box).to_have_value("See the [manual]() first")
    expect(box).to_be_focused()
    ada.keyboard.type("https://example.org")
    expect(box).to_have_value("See the [manual](https://example.org) first")
    choose(ada, "manual")
    ada.keyboard.press("Control+k")
    expect(box).to_have_value("See the manual first")
    choose(ada, "the manual")
    assert paste(ada, "https://example.org/lid_(2).html")
    expect(box).to_have_value("See [the manual](https://example.org/lid_%282%29.html) first")
    # Elsewhere the same key opens the palette.
    ada.keyboard.press("Escape")
    ada.keyboard.press("Control+k")
    expect(ada.locator("#palette").get_by_role("combobox")).to_be_focused()


def test_formatted_text_becomes_markdown(ada):
    box = reply(ada)
    write(ada, "Prices:")
    assert paste(
        ada,
        "not this",
        """<meta charset="utf-8"><style>td { color: red }</style><script>document.title = "stolen"</script>
        <h2>Offer</h2><p onclick="steal()">A <b>new</b> <i>lamp</i>, see <a href="https://example.org/">our page</a>,<br>not <a href="javascript:steal()">this</a>.</p>
        <ul><li>first<ol><li>inner</li></ol></li><li><code>second</code></li></ul>
        <blockquote><p>Too dear</p></blockquote><pre>if (a &lt; b)\n  stop</pre>
        <table style="border: 0"><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp | bulb</td><td>12</td></tr></table>""",
    )
    expect(box).to_have_value("""Prices:

## Offer

A **new** _lamp_, see [our page](https://example.org/),\x20\x20
not this.

- first
  1. inner
- `second`

> Too dear

```
if (a < b)
  stop
```

| Item | Price |
| --- | --- |
| Lamp \\| bulb | 12 |""")
    assert "stolen" not in ada.title()


def test_cells_of_a_spreadsheet_come_as_a_table_and_not_as_their_picture(ada):
    assert paste(
        ada,
        "Lamp\t12\nBulb\t3",
        "<table><tr><td>Lamp</td><td>12</td></tr><tr><td>Bulb</td><td>3</td></tr></table>",
        "image.png",
    )
    expect(reply(ada)).to_have_value("| Lamp | 12 |\n| --- | --- |\n| Bulb | 3 |")
    expect(ada.locator("form.box.reply [data-chosen] li")).to_have_count(0)


def test_a_picture_is_still_attached(ada):
    assert paste(ada, html='<img src="https://example.org/shot.png">', file="image.png")
    expect(reply(ada)).to_have_value("[image-1.png]")
    expect(ada.locator("form.box.reply [data-chosen] li")).to_have_count(1)


def test_plain_text_is_left_to_the_browser(ada):
    rich = "<p>A <b>new</b> lamp</p>"
    assert not paste(ada, "two words", "<p>two <span>words</span></p>"), "nothing in it is formatted"
    assert not paste(ada, "A new lamp", rich * 10_000), "more than anybody wants to wait for"
    write(ada, "```\n")
    assert not paste(ada, "A new lamp", rich), "code is taken as it is"
    reply(ada).fill("")
    # By the key for pasting without format, from a real clipboard.
    ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ada.evaluate(
        """rich => navigator.clipboard.write([new ClipboardItem({
        "text/html": new Blob([rich], { type: "text/html" }), "text/plain": new Blob(["A new lamp"], { type: "text/plain" }) })])""",
        rich,
    )
    reply(ada).focus()
    ada.keyboard.press("Control+Shift+v")
    expect(reply(ada)).to_have_value("A new lamp")
    ada.keyboard.press("Control+a")
    ada.keyboard.press("Control+v")
    expect(reply(ada)).to_have_value("A **new** lamp")


def test_undo_goes_back_step_by_step(ada):
    box = reply(ada)
    write(ada, "- one")
    ada.keyboard.press("Enter")
    expect(box).to_have_value("- one\n- ")
    ada.keyboard.press("Control+z")
    expect(box).to_have_value("- one")
    choose(ada, "one")
    ada.keyboard.press("Control+b")
    paste(ada, "x", "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>")
    expect(box).to_have_value(re.compile(r"\| 3 \| 4 \|"))
    ada.keyboard.press("Control+z")
    expect(box).to_have_value("- **one**")
    ada.keyboard.press("Control+z")
    expect(box).to_have_value("- one")
    ada.keyboard.press("Control+Shift+z")
    expect(box).to_have_value("- **one**")


def test_what_a_button_wrote_is_kept_as_a_draft(ada, peopled):
    write(ada, "hot")
    expect(ada.locator("[data-kept]")).to_contain_text("Draft saved")
    ada.keyboard.press("Control+a")
    tool(ada, "Bold").click()
    wait_for(lambda: ["**hot**"] in peopled.sql("SELECT body FROM draft"))
    ada.reload()
    expect(reply(ada)).to_have_value("**hot**")


def test_the_buttons_are_there_while_somebody_writes(ada):
    expect(tools(ada)).to_be_hidden()
    reply(ada).click()
    expect(tools(ada)).to_be_visible()
    for button in tools(ada).get_by_role("button").all():
        size = button.bounding_box()
        assert size["width"] >= 24 and size["height"] >= 24
    # One stop for Tab; the arrows go through it and round.
    ada.keyboard.press("Tab")
    expect(tool(ada, "Bold")).to_be_focused()
    ada.keyboard.press("ArrowRight")
    expect(tool(ada, "Italic")).to_be_focused()
    ada.keyboard.press("Home")
    ada.keyboard.press("ArrowLeft")
    expect(tool(ada, "Code")).to_be_focused()
    expect(tool(ada, "Code")).to_have_attribute("title", "Code (Ctrl E)")
    ada.keyboard.press("Enter")
    expect(reply(ada)).to_have_value("``")
    expect(reply(ada)).to_be_focused()
    ada.keyboard.type("ls")
    expect(reply(ada)).to_have_value("`ls`")
    # Back in the toolbar by the button that was used last.
    ada.keyboard.press("Tab")
    expect(tool(ada, "Code")).to_be_focused()
    # A note has its own.
    ada.get_by_text("Note", exact=True).click()
    ada.get_by_label("Internal note").click()
    ada.keyboard.press("Control+i")
    ada.keyboard.type("as before")
    expect(ada.get_by_label("Internal note")).to_have_value("_as before_")
    expect(reply(ada)).to_have_value("`ls`")


@pytest.mark.parametrize(
    "look",
    [
        {"viewport": {"width": 1280, "height": 800}},
        {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    ],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing_while_somebody_writes(people, peopled, look):
    ada = people.agent("ada@desk.example", **look)
    ada.goto(f"/desk/tickets/{peopled.open()['number']}")
    ada.locator(".desk[data-ready]").wait_for()
    for kind in ["Reply to", "Internal note"]:
        if kind != "Reply to":
            ada.get_by_text("Note", exact=True).click()
        ada.get_by_label(re.compile("^" + kind)).click()
        found = Axe().run(
            ada, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        )
        assert not [(violation["id"], violation["nodes"][0]["html"]) for violation in found.response["violations"]]
        box = ada.locator("form.box:visible").bounding_box()
        for button in ada.locator("form.box:visible .foot button:visible, form.box:visible .foot label:visible").all():
            place = button.bounding_box()
            assert box["x"] <= place["x"] and place["x"] + place["width"] <= box["x"] + box["width"]
