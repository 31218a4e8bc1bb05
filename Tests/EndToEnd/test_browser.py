"""The four stories in a real browser, with a customer, two agents and a supervisor at work at once; and what happens when something breaks."""

import email.message
import re

from playwright.sync_api import expect

from conftest import PASSWORD
from desk import body, wait_for

KIM = "kim@harbour.example"


def link_in(mail, part="/t/"):
    return re.search(r"https?://\S+" + re.escape(part) + r"\S+", body(mail)).group(0)


def ask(
    page,
    subject="Scanner sends empty pages",
    words="Since this morning every page is white.",
    topic="Report a problem",
    email=KIM,
    name="Kim Ito",
):
    """A customer fills the public form; returns the new ticket's number."""
    page.goto("/")
    page.get_by_role("link", name=re.compile("^" + topic)).click()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Describe the problem").fill(words)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("we've received your")
    return int(re.search(r"#(\d+)", page.locator("main header").first.inner_text()).group(1))


def count(page, name):
    return page.get_by_role("navigation", name="Main").get_by_role("link", name=re.compile("^" + name)).locator(".num")


def reply(page, words, button="Send"):
    page.get_by_label(re.compile("^Reply to")).fill(words)
    if button != "Send":
        page.get_by_label("More ways to send").click()
    page.locator("form.box.reply").get_by_role("button", name=re.compile("^" + button + "( Ctrl|$)")).click()
    expect(page.get_by_role("status")).to_contain_text("Reply sent.")


def test_a_new_request_from_the_form_to_the_last_star(people, peopled, sink, tmp_path):
    kim, ada, sam = people.guest(), people.agent("ada@desk.example"), people.agent("sam@desk.example")
    sam.goto("/desk?list=unassigned")
    expect(count(sam, "Unassigned")).to_have_text("0")

    # The customer writes, with a file, and forgets the address first.
    kim.goto("/tickets/new")
    kim.get_by_label("Topic").select_option(label="Report a problem")
    kim.get_by_label("Subject").fill("Scanner sends empty pages")
    kim.get_by_label("Describe the problem").fill("Since this morning every page is white.")
    picture = tmp_path / "page.txt"
    picture.write_text("nothing on it")
    kim.get_by_label("Attachments").set_input_files(str(picture))
    kim.get_by_label("Email").fill("kim at harbour")
    kim.locator("form.card").evaluate("form => form.noValidate = true")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_text("Enter a valid email address.")).to_be_visible()
    expect(kim.get_by_label("Describe the problem")).to_have_value("Since this morning every page is white.")
    kim.get_by_label("Email").fill(KIM)
    kim.get_by_label("Your name").fill("Kim Ito")
    kim.get_by_label("Attachments").set_input_files(str(picture))
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("status")).to_contain_text("we've received your")
    expect(kim.get_by_role("link", name="page.txt")).to_be_visible()
    number = int(re.search(r"#(\d+)", kim.locator("main header").first.inner_text()).group(1))
    wait_for(lambda: sink.to(KIM, str(number)))

    # The supervisor sees it arrive without touching anything, and gives it to Ada.
    expect(count(sam, "Unassigned")).to_have_text("1")
    sam.get_by_role("link", name="Scanner sends empty pages").click()
    sam.get_by_role("link", name=re.compile("^Assign")).click()
    dialog = sam.get_by_role("dialog")
    dialog.get_by_label("To an agent").select_option(label="Ada Lind")
    dialog.get_by_role("button", name="Assign").click()
    expect(sam.locator(".side")).to_contain_text("Ada Lind")
    expect(count(ada, "My tickets")).to_have_text("1")

    # Ada writes a note nobody outside sees, asks for more, and waits.
    ada.goto("/desk?list=mine")
    ada.get_by_role("link", name="Scanner sends empty pages").click()
    ada.get_by_text("Note", exact=True).click()
    ada.get_by_label("Internal note").fill("CANARY the same as last month on floor 3")
    ada.get_by_role("button", name="Add note").click()
    expect(ada.locator(".entry.note")).to_contain_text("CANARY")
    reply(ada, "Which scanner is it?", "Send & set pending")
    expect(ada.locator(".subject-bar")).to_contain_text("Pending")
    asked = wait_for(lambda: sink.to(KIM, "Which scanner is it?"))[0]

    # The customer answers through the link in the mail; Ada sees it on the page she has open.
    kim.goto(link_in(asked))
    expect(kim.locator("body")).not_to_contain_text("CANARY")
    kim.get_by_label("Add to your request").fill("The one beside the lift.")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("status")).to_contain_text("we've received your")
    expect(ada.locator(".talk")).to_contain_text("The one beside the lift.")
    expect(ada.locator(".subject-bar")).to_contain_text("Open")

    # Solved, confirmed, closed.
    reply(ada, "I have cleaned the glass.", "Send & resolve")
    solved = wait_for(lambda: sink.to(KIM, "cleaned the glass"))[0]
    kim.goto(
        link_in(solved) if "answer" in link_in(solved) else re.search(r"https?://\S+answer=yes", body(solved)).group(0)
    )
    assert peopled.ticket(number)["state"] == "resolved", "looking changed nothing"
    kim.get_by_role("button", name="Yes, close my request").click()
    expect(kim.get_by_role("status")).to_contain_text("closed")
    expect(ada.locator(".subject-bar")).to_contain_text("Closed")

    # The survey: a star in the mail, a word, one press; the team looks at it and answers.
    survey = wait_for(lambda: sink.to(KIM, "How did we do?"))[0]
    kim.goto(re.search(r"https?://\S+rating=2", body(survey)).group(0))
    kim.get_by_label("Anything you'd like to add? (optional)").fill("It took the whole day.")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("status")).to_contain_text("Thanks for your rating")
    sam.goto("/desk/feedback")
    item = sam.get_by_role("article", name=re.compile(str(number)))
    expect(item).to_contain_text("It took the whole day.")
    item.get_by_text("Mark as reviewed").click()
    item.get_by_label("Note for the team").fill("We talk about it on Monday.")
    item.get_by_role("button", name="Save").click()
    expect(sam.get_by_role("status")).to_contain_text("reviewed")
    item = sam.get_by_role("article", name=re.compile(str(number)))
    expect(item).to_contain_text("reviewed by Sam Okafor")
    item.get_by_text("Follow up").click()
    item.get_by_label("Send as").select_option(label="in a new linked ticket")
    item.get_by_label("Message to the customer").fill("We are sorry. Next time we come at once.")
    item.get_by_role("button", name="Send").click()
    expect(sam.get_by_role("status")).to_contain_text("Reply sent.")
    wait_for(lambda: sink.to(KIM, "Next time we come at once"))
    assert all("CANARY" not in body(mail) for mail in sink.to(KIM))


def test_an_urgent_request_goes_up_and_is_worked_first(people, peopled, sink):
    kim, sam, eve = people.guest(), people.agent("sam@desk.example"), people.agent("eve@desk.example")
    peopled.open(subject="Something that can wait")
    number = ask(kim, "Whole office offline", "Nobody can reach anything.", topic="Urgent problem")
    wait_for(lambda: sink.to("eve@desk.example", "Whole office offline"))
    expect(count(sam, "Escalated")).to_have_text("1")
    sam.goto("/desk?list=open")
    expect(sam.locator(".tickets tbody tr").first).to_contain_text("Whole office offline")
    sam.locator(".tickets tbody tr").first.get_by_role("link").click()
    sam.get_by_text("Why?", exact=True).last.click()
    expect(sam.locator(".talk")).to_contain_text("the topic")
    # A second agent is brought in.
    sam.get_by_role("link", name="Add agent").click()
    sam.get_by_role("dialog").get_by_label("Agent").select_option(label="Ben Amari")
    sam.get_by_role("dialog").get_by_role("button", name="Add agent").click()
    expect(sam.locator(".side")).to_contain_text("Ben Amari")
    wait_for(lambda: sink.to("ben@desk.example", "added you"))
    # By hand one level higher, with a reason that stands on the ticket.
    sam.locator(".tools").get_by_role("link", name=re.compile("^Escalate")).click()
    sam.get_by_role("dialog").get_by_label("Why").fill("The whole street is dark")
    sam.get_by_role("dialog").get_by_role("button", name="Escalate").click()
    expect(sam.locator(".subject-bar")).to_contain_text("Level 2")
    wait_for(lambda: sink.to(KIM, "escalated your request"))
    eve.goto(f"/desk/tickets/{number}")
    reply(eve, "The line is back.", "Send & resolve")
    solved = wait_for(lambda: sink.to(KIM, "The line is back"))[0]
    kim.goto(link_in(solved))
    kim.get_by_role("button", name="Yes, close my request").click()
    expect(kim.get_by_role("status")).to_contain_text("closed")
    assert peopled.ticket(number)["state"] == "closed"


def test_a_closed_request_comes_back_to_who_solved_it(people, peopled, sink):
    kim, ada = people.guest(), people.agent("ada@desk.example")
    number = peopled.open()["number"]
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_role("button", name=re.compile("^Assign to me")).click()
    expect(ada.locator(".side")).to_contain_text("Ada Lind")
    reply(ada, "Cleaned.", "Send & resolve")
    peopled.act(number, "confirm")
    # The customer signs in by a mailed link, finds the ticket and opens it again.
    kim.goto("/tickets")
    kim.get_by_label("Your email address").fill(KIM)
    kim.get_by_role("button", name="Email me a link").click()
    expect(kim.get_by_role("status")).to_contain_text("emailed you a sign-in link")
    way = link_in(wait_for(lambda: sink.to(KIM, "Sign in to"))[0], "/sign-in/")
    kim.goto(way)
    kim.get_by_role("main").get_by_role("button", name="Sign in").click()
    kim.get_by_role("link", name=re.compile("Scanner sends empty pages")).click()
    kim.get_by_label(re.compile("^Not solved")).fill("It is back.")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("status")).to_contain_text("we've received your")
    expect(ada.locator(".talk")).to_contain_text("It is back.")
    ticket = peopled.ticket(number)
    assert (ticket["state"], ticket["reopened_count"], ticket["assignee"]["email"]) == ("open", 1, "ada@desk.example")
    wait_for(lambda: sink.to("ada@desk.example", "Reopened"))
    # The link worked once.
    other = people.guest()
    assert other.goto(way).status == 404


def test_a_half_written_reply_survives_a_crash(people, peopled):
    ada = people.agent("ada@desk.example")
    number = peopled.open()["number"]
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_label(re.compile("^Reply to")).fill("Half an hour of careful words")
    expect(ada.locator("[data-kept]")).to_contain_text("Draft saved")
    peopled.kill()
    peopled.start()
    elsewhere = people.agent("ada@desk.example")
    elsewhere.goto(f"/desk/tickets/{number}")
    expect(elsewhere.get_by_label(re.compile("^Reply to"))).to_have_value("Half an hour of careful words")
    reply(elsewhere, "Half an hour of careful words, and sent")
    expect(elsewhere.get_by_label(re.compile("^Reply to"))).to_have_value("")
    assert peopled.entries(number)[-1]["text"] == "Half an hour of careful words, and sent"


def test_words_written_while_the_session_ended_come_back(people, peopled):
    ada = people.agent("ada@desk.example")
    number = peopled.open()["number"]
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_label(re.compile("^Reply to")).fill("Not to be lost")
    peopled.sql("DELETE FROM session")
    ada.wait_for_timeout(5500)  # a session is remembered for five seconds
    ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).click()
    expect(ada.get_by_role("status")).to_contain_text("Your session has expired")
    ada.get_by_label("Email", exact=True).fill("ada@desk.example")
    ada.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.get_by_role("button", name="Sign in").click()
    expect(ada.get_by_label("What you wrote")).to_have_value("Not to be lost")
    ada.get_by_role("button", name="Send").click()
    expect(ada.get_by_role("status")).to_contain_text("Reply sent.")
    assert [entry["text"] for entry in peopled.entries(number) if entry["kind"] == "reply"] == ["Not to be lost"]


def test_two_agents_answer_at_once_and_both_know(people, peopled):
    ada, ben = people.agent("ada@desk.example"), people.agent("ben@desk.example")
    number = peopled.open()["number"]
    for page in (ada, ben):
        page.goto(f"/desk/tickets/{number}")
    expect(ada.locator("[data-present]")).to_contain_text("Ben Amari is reading")
    ben.get_by_label(re.compile("^Reply to")).type("Ben's words")
    ben.locator("#reply-files").set_input_files(
        files=[{"name": "bens.txt", "mimeType": "text/plain", "buffer": b"a file"}]
    )
    expect(ada.locator("[data-present]")).to_contain_text("Ben Amari is writing")
    ada.get_by_label(re.compile("^Reply to")).fill("Ada was faster")
    ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).click()
    expect(ada.get_by_role("status")).to_contain_text("Reply sent.")
    expect(ben.locator(".talk")).to_contain_text("Ada was faster")
    ben.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).click()
    expect(ben.get_by_role("alert")).to_contain_text("New activity since you started writing")
    expect(ben.get_by_label(re.compile("^Reply to"))).to_have_value("Ben's words")
    expect(ben.get_by_role("checkbox", name="bens.txt")).to_be_checked()
    ben.get_by_role("button", name="Send anyway").click()
    expect(ben.get_by_role("status")).to_contain_text("Reply sent.")
    expect(ben.get_by_role("checkbox", name="bens.txt")).to_have_count(0)
    assert [file["name"] for file in peopled.entries(number)[-1]["attachments"]] == ["bens.txt"]
    assert [entry["text"] for entry in peopled.entries(number) if entry["kind"] == "reply"] == [
        "Ada was faster",
        "Ben's words",
    ]


def test_a_double_press_sends_once(people, peopled):
    ada = people.agent("ada@desk.example")
    number = peopled.open()["number"]
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_label(re.compile("^Reply to")).fill("Once")
    ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).dblclick()
    expect(ada.get_by_role("status")).to_contain_text("Reply sent.")
    assert len([entry for entry in peopled.entries(number) if entry["kind"] == "reply"]) == 1


def test_with_the_keyboard_alone(people, peopled):
    peopled.open(subject="First of two")
    number = peopled.open(subject="Second of two")["number"]
    ada = people.guest()
    ada.goto("/sign-in")
    ada.keyboard.press("Tab")
    for _ in range(20):
        if ada.evaluate("document.activeElement.id") == "email":
            break
        ada.keyboard.press("Tab")
    ada.keyboard.type("ada@desk.example")
    ada.keyboard.press("Tab")
    ada.keyboard.type(PASSWORD)
    ada.keyboard.press("Enter")
    ada.wait_for_url("**/desk**")
    expect(ada.locator(".tickets tbody tr")).to_have_count(2)
    ada.locator(".desk[data-ready]").wait_for()
    ada.keyboard.press("j")
    ada.keyboard.press("j")
    ada.keyboard.press("Enter")
    ada.wait_for_url(f"**/desk/tickets/{number}**")
    ada.locator(".desk[data-ready]").wait_for()
    ada.keyboard.press("t")
    expect(ada.locator(".side")).to_contain_text("Ada Lind")
    ada.locator(".desk[data-ready]").wait_for()
    ada.keyboard.press("r")
    ada.keyboard.type("I have cleaned the glass.")
    ada.keyboard.press("Control+Enter")
    expect(ada.get_by_role("status")).to_contain_text("Reply sent.")
    ada.locator(".desk[data-ready]").wait_for()
    ada.keyboard.press("e")
    expect(ada.get_by_role("dialog")).to_be_visible()
    ada.keyboard.type("It prints again.")
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    expect(ada.locator(".subject-bar")).to_contain_text("Resolved")
    ada.locator(".desk[data-ready]").wait_for()
    ada.keyboard.press("g")
    ada.keyboard.press("n")
    ada.wait_for_url("**/desk?list=next")
    expect(ada.locator(".tickets tbody tr")).to_have_count(1)


def test_many_at_once(people, peopled):
    numbers = [peopled.open(subject=f"Request {index}")["number"] for index in range(5)]
    peopled.act(numbers[0], "close")
    sam = people.agent("sam@desk.example")
    sam.goto("/desk/search?query=request")
    sam.get_by_label("Select all on this page").check()
    expect(sam.locator("[data-chosen-count]")).to_have_text("5 selected")
    sam.get_by_label("Bulk actions").select_option(label="Assign")
    sam.get_by_label("Assign to…").select_option(label="Ben Amari")
    sam.get_by_role("button", name="Apply").click()
    expect(sam.get_by_role("status")).to_contain_text("4 tickets assigned.")
    expect(sam.get_by_role("status")).to_contain_text(f"#{numbers[0]}")
    assert all(peopled.ticket(number)["assignee"]["email"] == "ben@desk.example" for number in numbers[1:])


def test_searching_shows_where_the_words_stand(people, peopled):
    peopled.open(subject="Nothing in the subject", body="It smells of Öl and burnt toast since noon.")
    number = peopled.open(subject="Burnt fuse")["number"]
    ada = people.agent("ada@desk.example")
    ada.get_by_label("Search", exact=True).fill("burnt")
    ada.keyboard.press("Enter")
    expect(ada.locator(".tickets tbody tr")).to_have_count(2)
    expect(ada.locator("mark")).to_have_text(["Burnt", "burnt"])
    ada.get_by_label("Search", exact=True).fill("state:nonsense")
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("alert")).to_contain_text("“state:” can't be “nonsense”.")
    ada.get_by_label("Search", exact=True).fill(str(number))
    ada.keyboard.press("Enter")
    ada.wait_for_url(f"**/desk/tickets/{number}")


def test_a_mail_as_it_is_shown(people, peopled):
    """Pictures of the mail in place, none from elsewhere until asked for, the history folded, the original at hand."""
    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        "Kim Ito <kim@harbour.example>",
        "support@localhost",
        "Re: With pictures",
        "<pictures@customer.example>",
    )
    mail.set_content(
        "See the picture.\n\nOn Mon, 23 Nov 2026 at 10:00, Support <support@localhost> wrote:\n> What do you see?\n"
    )
    mail.add_alternative(
        '<p>See the <b>picture</b>. <img src="cid:shot" alt="shot"><img src="http://elsewhere.example/spy.png" alt="spy"></p><div>On Mon, 23 Nov 2026 at 10:00, Support &lt;support@localhost&gt; wrote:<blockquote type="cite">What do you see?</blockquote></div><script>document.title = "stolen"</script>',
        subtype="html",
    )
    mail.get_payload()[1].add_related(png, "image", "png", cid="<shot>")
    number = int(peopled.intake(mail))
    ada = people.agent("ada@desk.example")
    asked = []
    ada.on("request", lambda request: asked.append(request.url))
    ada.goto(f"/desk/tickets/{number}")
    shot = ada.get_by_role("img", name="shot")
    expect(shot).to_be_visible()
    assert shot.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    assert not [url for url in asked if "elsewhere" in url]
    ada.get_by_role("link", name="Show images").click()
    # The desk fetches it, so that its sender does not learn who reads.
    expect(ada.get_by_role("img", name="spy")).to_have_attribute("src", re.compile(r"^/desk/entries/\d+/picture\?"))
    expect(ada.locator(".quoted blockquote")).not_to_be_visible()
    ada.get_by_text("show quoted text").click()
    expect(ada.locator(".quoted blockquote")).to_contain_text("What do you see?")
    ada.get_by_label("Message actions").first.click()
    with ada.expect_download() as download:
        ada.get_by_role("link", name="Original message").click()
    assert open(download.value.path(), "rb").read() == mail.as_bytes()


def test_a_ticket_for_a_caller(people, peopled, sink):
    ada = people.agent("ada@desk.example")
    ada.get_by_role("link", name=re.compile("^New ticket")).click()
    ada.get_by_label("Customer's email").fill("lee@corner.example")
    ada.get_by_label("Customer's name").fill("Lee Okafor")
    ada.get_by_label("Subject").fill("Till will not open")
    ada.get_by_label("Customer's message").fill("The drawer is stuck.")
    ada.get_by_role("button", name="Create ticket").click()
    expect(ada.locator("h1")).to_have_text("Till will not open")
    expect(ada.locator(".side")).to_contain_text("Phone")
    number = int(re.search(r"/tickets/(\d+)", ada.url).group(1))
    assert peopled.ticket(number)["assignee"]["email"] == "ada@desk.example"
    wait_for(lambda: sink.to("lee@corner.example", str(number)))


def test_the_questions_of_a_topic(people, peopled):
    mara, kim = people.agent("mara@desk.example"), people.guest()
    mara.goto("/admin/topics")
    mara.get_by_role("link", name="Report a problem").click()
    asked = mara.locator(".asked").first
    asked.get_by_label("Label").fill("Which room?")
    asked.get_by_label("required").check()
    second = mara.locator(".asked").nth(1)
    second.get_by_label("Label").fill("How bad?")
    second.get_by_label("Type").select_option(label="Dropdown")
    second.get_by_label("Options, comma-separated").fill("a little, very")
    mara.get_by_role("button", name="Save").click()
    expect(mara.get_by_role("status")).to_contain_text("Saved.")
    kim.goto("/tickets/new")
    kim.get_by_label("Subject").fill("Cold")
    kim.get_by_label("Topic").select_option(label="Report a problem")
    expect(kim.get_by_label("Subject")).to_have_value("Cold")
    kim.get_by_label("How bad?").select_option("very")
    kim.get_by_label("Email").fill(KIM)
    kim.get_by_label("Describe the problem").fill("The heating is off.")
    kim.locator("form.card").evaluate("form => form.noValidate = true")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_text("Enter a value.")).to_be_visible()
    kim.get_by_label("Which room?").fill("217")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("status")).to_contain_text("we've received your")
    ticket = peopled.get("/tickets?query=heating")["items"][0]
    assert ticket["fields"] == {"which_room": "217", "how_bad": "very"}


def test_what_was_typed_is_kept_on_the_device(people):
    kim = people.guest()
    kim.goto("/tickets/new")
    kim.get_by_label("Describe the problem").fill("A long story")
    kim.goto("/kb")
    kim.goto("/tickets/new")
    expect(kim.get_by_label("Describe the problem")).to_have_value("A long story")
    kim.get_by_label("Email").fill(KIM)
    kim.get_by_label("Subject").fill("Story")
    # A picture is pasted.
    kim.get_by_label("Describe the problem").evaluate("""field => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "pasted.png", { type: "image/png" }));
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }""")
    expect(kim.locator("[data-chosen]")).to_contain_text("pasted.png")
    kim.get_by_role("button", name="Send").click()
    expect(kim.get_by_role("link", name="pasted.png")).to_be_visible()
    kim.goto("/tickets/new")
    expect(kim.get_by_label("Describe the problem")).to_have_value("")


def test_without_javascript(people, peopled, sink):
    kim = people.guest(java_script_enabled=False)
    ada = people.guest(java_script_enabled=False)
    people.sign_in(ada, "ada@desk.example")
    number = ask(kim)
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_role("link", name=re.compile("^Assign")).click()
    ada.get_by_label("To an agent").select_option(label="Ada Lind")
    ada.get_by_role("button", name="Assign").click()
    expect(ada.locator(".side")).to_contain_text("Ada Lind")
    ada.locator("label[for=tab-note]").click()
    ada.get_by_label("Internal note").fill("a note")
    ada.get_by_role("button", name="Add note").click()
    expect(ada.locator(".entry.note")).to_contain_text("a note")
    reply(ada, "Done.", "Send & resolve")
    kim.goto(link_in(wait_for(lambda: sink.to(KIM, "Done."))[0]))
    kim.get_by_role("button", name="No, I still need help").click()
    expect(kim.get_by_role("status")).to_contain_text("is open again")
    assert peopled.ticket(number)["state"] == "open"


def test_a_reply_can_be_taken_back(people, peopled, sink):
    peopled.patch("/settings", {"undo_seconds": 8})
    number = peopled.open()["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}")
    ada.get_by_label(re.compile("^Reply to")).fill("Please clean the glas.")
    ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).click()
    back = ada.get_by_role("button", name=re.compile("^Undo"))
    expect(back).to_be_visible()
    assert ada.locator("[data-takeback] .num").inner_text() in ("8", "7")
    back.click()
    ada.wait_for_url("**said=back**")
    assert ada.get_by_label(re.compile("^Reply to")).input_value() == "Please clean the glas."
    assert ada.locator("article.reply").count() == 0
    assert peopled.ticket(number)["assignee"] is None and "taken_back" in peopled.kinds(number)
    # Once more, and this time it goes.
    ada.get_by_label(re.compile("^Reply to")).fill("Please clean the glass.")
    ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)")).click()
    back.wait_for()
    assert sink.to("kim@harbour.example", "clean the glas") == []
    sink.wait("kim@harbour.example", "Please clean the glass.", seconds=20)
    assert len(sink.to("kim@harbour.example", "clean the glas")) == 1
    expect(back).to_be_hidden()


def test_a_picture_pasted_into_a_reply_stands_where_it_was_pasted(people, peopled, sink):
    peopled.patch("/settings", {"undo_seconds": 8})
    number = peopled.open()["number"]
    ada = people.agent("ada@desk.example")
    ada.goto(f"/desk/tickets/{number}")
    box = ada.get_by_label(re.compile("^Reply to"))
    box.fill("Open the lid here:\n")
    box.evaluate("""async field => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 40, height: 30 });
        const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
        const data = new DataTransfer();
        data.items.add(new File([picture], "image.png", { type: "image/png" }));
        field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }""")
    expect(box).to_have_value("Open the lid here:\n[image-1.png]")
    send = ada.locator("form.box.reply").get_by_role("button", name=re.compile("^Send( Ctrl|$)"))
    send.click()
    # Taken back, the picture is still there; sent again, it is shown on the page, in the mail and to the customer.
    ada.get_by_role("button", name=re.compile("^Undo")).click()
    ada.wait_for_url("**said=back**")
    expect(ada.get_by_role("checkbox", name="image-1.png")).to_be_checked()
    send.click()
    shown = ada.locator(".entry.reply img, article.reply img")
    expect(shown).to_have_js_property("naturalWidth", 40)
    mail = sink.wait("kim@harbour.example", "Open the lid here", seconds=20)
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert parts["image/png"].get_content_disposition() == "inline"
    assert f"cid:{parts['image/png']['Content-ID'].strip('<>')}" in parts["text/html"].get_content()
    kim = people.guest()
    kim.goto(link_in(mail))
    expect(kim.get_by_role("img", name="image-1.png")).to_have_js_property("naturalWidth", 40)


def test_a_mail_text_is_seen_while_it_is_written_and_sent_to_its_writer(people, peopled, sink):
    mara = people.agent("mara@desk.example")
    mara.goto("/admin/mail-texts")
    mara.locator("#waiting-de summary").click()
    box = mara.locator("#waiting-de-body")
    box.fill("Guten Tag {{customer.name}},\n\n{{message}}")
    mara.locator("#waiting-de .preview").get_by_text("Guten Tag Kim Ito,").wait_for()
    mara.locator("#waiting-de").get_by_role("button", name="Send test to me").click()
    assert "Guten Tag Kim Ito," in body(sink.wait("mara@desk.example", "Guten Tag"))
    mara.locator("#waiting-de").get_by_role("button", name="Save").click()
    mara.wait_for_url("**said=kept**")
    # A customer who reads German gets it, an agent's own signature below the answer.
    number = peopled.open()["number"]
    customer = peopled.get("/customers")["items"][0]["id"]
    peopled.patch(f"/customers/{customer}", {"language": "de"})
    ada = people.agent("ada@desk.example")
    ada.goto("/desk/account")
    ada.get_by_label("Signature").fill("Ada Lind, second floor")
    ada.get_by_role("button", name="Save").first.click()
    peopled.post(
        f"/tickets/{number}/entries",
        {"kind": "reply", "body": "Bitte putzen Sie das Glas.", "author": "ada@desk.example"},
    )
    reply = body(sink.wait("kim@harbour.example", "Bitte putzen"))
    assert (
        "Ada Lind, second floor" in reply
        and "Ihre Anfrage:" in reply
        and "> Since this morning every page is white." in reply
    )
