"""The four stories, by mail and over the API, with a real mail server, on both engines."""

import re

import pytest
import requests

from desk import body, link, message, wait_for

KIM = "kim@harbour.example"


def press(address, button=None, **fields):
    """Opens a mailed page and presses its button, as a person would."""
    page = requests.get(address, timeout=10)
    assert page.status_code == 200, page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text).group(1)
    target = address.split("?")[0] + (f"/{button}" if button else "")
    answer = requests.post(target, data={"csrf": csrf, **fields}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_new_request_by_mail_is_answered_resolved_and_confirmed(staffed, sink):
    desk = staffed
    number = desk.intake(
        message(
            f"Kim Ito <{KIM}>",
            "Scanner sends empty pages",
            "Since this morning.",
            files=[("page.pdf", "application/pdf", b"%PDF-1.4 white")],
        )
    )
    assert number == "100001"
    ticket = desk.ticket(number)
    assert (ticket["state"], ticket["source"], ticket["requester"]) == (
        "new",
        "email",
        {"name": "Kim Ito", "email": KIM},
    )
    [entry] = desk.entries(number)
    assert entry["attachments"][0]["name"] == "page.pdf"
    assert (
        requests.get(entry["attachments"][0]["url"], headers={"Authorization": f"Bearer {desk.key}"}).content
        == b"%PDF-1.4 white"
    )

    acknowledgement = sink.wait(KIM, f"[#{number}]")
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert acknowledgement["In-Reply-To"] == entry["message_id"].join("<>")

    # Sam gives it to Ada, who is told.
    desk.act(number, "assign", agent="ada@desk.example", by="sam@desk.example")
    told = sink.wait("ada@desk.example", "Assigned")
    assert "Since this morning" in body(told)

    # Ada asks for more and waits; her note stays inside.
    desk.post(
        f"/tickets/{number}/entries", {"kind": "reply", "body": "Which scanner is it?", "author": "ada@desk.example"}
    )
    desk.act(number, "wait", by="ada@desk.example")
    desk.post(
        f"/tickets/{number}/entries",
        {"kind": "note", "body": "SECRETWORD it is the old one again", "author": "ada@desk.example"},
    )
    assert desk.ticket(number)["state"] == "waiting"
    question = sink.wait(KIM, "Which scanner")
    assert "Auto-Submitted" not in question and "Ada Lind" in question["From"]

    # Kim answers by mail: the ticket is open again, Ada is told.
    assert (
        desk.intake(
            message(
                f"Kim Ito <{KIM}>",
                text="The one in room 4.\n\nOn Tuesday, Ada wrote:\n> Which scanner is it?",
                reply_to_message=question,
            )
        )
        == number
    )
    ticket = desk.ticket(number)
    assert (ticket["state"], ticket["assignee"]["email"]) == ("open", "ada@desk.example")
    answer = desk.entries(number)[-1]
    assert answer["text"] == "The one in room 4." and "Which scanner" in answer["quoted"]
    sink.wait("ada@desk.example", "New message")

    desk.act(number, "resolve", body="The glass was dirty; I have cleaned it.", by="ada@desk.example")
    solution = sink.wait(KIM, "The glass was dirty")
    # A scanner that follows the link changes nothing.
    yes = link(solution, "answer=yes")
    requests.get(yes)
    requests.head(yes)
    assert desk.ticket(number)["state"] == "resolved"
    press(yes, "confirm")
    assert desk.ticket(number)["state"] == "closed"

    kinds = desk.kinds(number)
    for kind in [
        "opened",
        "assigned",
        "replied",
        "waiting",
        "noted",
        "received",
        "resumed",
        "resolved",
        "confirmed",
        "closed",
    ]:
        assert kind in kinds, kinds
    assert not [m for _, to, m in sink.messages if "SECRETWORD" in m.as_string() and to == KIM]
    page = requests.get(link(solution, "/t/").split("?")[0]).text
    assert "glass was dirty" in page and "SECRETWORD" not in page


def test_a_request_over_the_api_is_claimed_not_solved_and_closed_by_silence(staffed, sink):
    desk = staffed
    technical = desk.post("/departments", {"name": "Technical"})
    desk.post("/topics", {"name": "Hardware", "department": "Technical", "priority": "high"})
    desk.patch(
        "/agents/" + str(next(a["id"] for a in desk.get("/agents")["items"] if a["email"] == "ada@desk.example")),
        {"departments": ["Support", "Technical"]},
    )
    ticket = desk.open(topic="Hardware", attachments=[{"name": "log.txt", "type": "text/plain", "content": "aGVsbG8="}])
    number = ticket["number"]
    assert (ticket["department"], ticket["priority"]) == ({"id": technical["id"], "name": "Technical"}, "high")
    assert sink.wait(KIM, f"[#{number}]")

    claimed = desk.act(number, "claim", by="ada@desk.example")
    assert (claimed["state"], claimed["assignee"]["email"]) == ("open", "ada@desk.example")
    # Ben does not work in Technical: for him there is no such ticket.
    desk.act(number, "claim", status=404, by="ben@desk.example")

    desk.act(number, "resolve", body="Replaced the cable.", by="ada@desk.example")
    solution = sink.wait(KIM, "Replaced the cable")
    press(link(solution, "answer=no"), "reopen")
    back = desk.ticket(number)
    assert (back["state"], back["reopened_count"], back["assignee"]["email"]) == ("open", 1, "ada@desk.example")
    sink.wait("ada@desk.example", "Reopened")

    desk.act(number, "resolve", body="Replaced the socket too.", by="ada@desk.example")
    desk.pass_time(number, 71)
    assert desk.ticket(number)["state"] == "resolved"
    desk.pass_time(number, 2)
    wait_for(lambda: desk.ticket(number)["state"] == "closed")
    closed = [event for event in desk.events(number) if event["kind"] == "closed"][-1]
    assert closed["actor"]["kind"] == "timer" and "72 hours" in closed["reason"]


@pytest.mark.parametrize(
    "path", ["/api/tickets.json", "/api/http.php/tickets.json", "/api/tickets.xml", "/api/tickets.email"]
)
def test_a_script_written_for_osticket_opens_a_ticket(staffed, sink, path):
    desk = staffed
    url = desk.url + path
    if path.endswith("json"):
        data = (
            '{"alert": true, "autorespond": true, "source": "API", "name": "Angry User", "email": "api@osticket.example", "phone": "3185558634X123", "subject": "Testing API", '
            '"ip": "123.211.233.122", "message": "data:text/html,MESSAGE <b>HERE</b>", "attachments": [{"file.txt": "data:text/plain;charset=utf-8,content"}, {"image.png": "data:image/png;base64,aGVsbG8="}]}'
        )
    elif path.endswith("xml"):
        data = (
            '<?xml version="1.0" encoding="UTF-8"?><ticket alert="true" autorespond="true" source="API"><name>Angry User</name><email>api@osticket.example</email>'
            '<subject>Testing API</subject><phone ext="123">318-555-8634</phone><message type="text/html"><![CDATA[MESSAGE <b>HERE</b>]]></message>'
            '<attachments><file name="file.txt" type="text/plain"><![CDATA[content]]></file><file name="image.png" type="image/png" encoding="base64">aGVsbG8=</file></attachments><ip>123.211.233.122</ip></ticket>'
        )
    else:
        data = message(
            "Angry User <api@osticket.example>",
            "Testing API",
            "MESSAGE HERE",
            files=[("file.txt", "text/plain", b"content"), ("image.png", "image/png", b"hello")],
        ).as_bytes()
    assert requests.post(url, data=data, headers={"X-API-Key": "wrong"}).status_code == 401
    answer = requests.post(url, data=data, headers={"X-API-Key": desk.key})
    assert answer.status_code == 201 and answer.text.isdigit(), answer.text
    [entry] = desk.entries(answer.text)
    assert entry["text"] == "MESSAGE HERE"
    assert [(f["name"], f["type"]) for f in entry["attachments"]] == [
        ("file.txt", "text/plain"),
        ("image.png", "image/png"),
    ]
    assert desk.ticket(answer.text)["subject"] == "Testing API"
    sink.wait("api@osticket.example", f"[#{answer.text}]")
    refused = requests.post(desk.url + "/api/tickets.json", data='{"name": "x"}', headers={"X-API-Key": desk.key})
    assert refused.status_code == 400 and "email" in refused.text


@pytest.mark.parametrize("by", ["priority", "topic", "word"])
def test_an_urgent_request_goes_up_at_once(staffed, sink, by):
    desk = staffed
    desk.open(subject="An ordinary one")
    wish = {
        "priority": {"priority": "urgent"},
        "topic": {"topic": "Urgent problem"},
        "word": {"body": "This is an emergency: nobody can work."},
    }[by]
    number = desk.open(**wish)["number"]
    ticket = desk.ticket(number)
    assert (ticket["escalation_level"], ticket["priority"], ticket["team"]["name"]) == (1, "urgent", "Second level")
    escalated = [event for event in desk.events(number) if event["kind"] == "escalated"][0]
    assert {"priority": "priority is urgent", "topic": "Urgent problem", "word": "emergency"}[by] in escalated["reason"]
    sink.wait("eve@desk.example", "Escalated")
    # It stands first in their list.
    assert desk.get("/tickets?query=state:active&sort=urgency&by=eve@desk.example")["items"][0]["number"] == number


def test_an_escalated_issue_is_worked_with_a_second_agent_while_the_customer_hears_of_it(staffed, sink):
    desk = staffed
    number = desk.open()["number"]
    desk.act(number, "claim", by="ada@desk.example")
    desk.act(number, "escalate", status=422, by="ada@desk.example")
    up = desk.act(number, "escalate", by="ada@desk.example", reason="the whole office stands still")
    assert (up["escalation_level"], up["team"]["name"]) == (1, "Second level")
    assert "ada@desk.example" in [agent["email"] for agent in up["agents"]]
    sink.wait("eve@desk.example", "whole office")
    sink.wait(KIM, "escalated your request")

    desk.act(number, "add_agent", agent="ben@desk.example", by="sam@desk.example")
    sink.wait("ben@desk.example", "added you to this ticket")
    desk.act(number, "claim", by="eve@desk.example")

    # Four hours without a word: the customer hears that it is being worked on.
    before = len(sink.to(KIM))
    desk.pass_time(number, 4.1)
    sink.wait(KIM, "still being worked on", count=1)
    assert len(sink.to(KIM)) == before + 1
    assert "updated" in desk.kinds(number)

    # Again: now to the supervisor.
    top = desk.act(number, "escalate", by="eve@desk.example", reason="needs a decision")
    assert (top["escalation_level"], top["assignee"]["email"]) == (2, "sam@desk.example")
    sink.wait("sam@desk.example", "needs a decision")

    desk.act(number, "resolve", body="A new line is in.", by="sam@desk.example")
    press(link(sink.wait(KIM, "A new line is in"), "answer=yes"), "confirm")
    assert desk.ticket(number)["state"] == "closed"
    assert all(event["reason"] for event in desk.events(number) if event["kind"] == "escalated")


def solved(desk, by="ada@desk.example", **fields):
    number = desk.open(**fields)["number"]
    desk.act(number, "claim", by=by)
    desk.act(number, "resolve", body="Solved so.", by=by)
    desk.act(number, "confirm")
    return number


def test_an_answer_to_a_closed_ticket_goes_back_to_whoever_solved_it(staffed, sink):
    desk = staffed
    number = solved(desk)
    last = sink.wait(KIM, "Solved so")
    assert desk.intake(message(KIM, text="It happens again.", reply_to_message=last)) == str(number)
    ticket = desk.ticket(number)
    assert (ticket["state"], ticket["assignee"]["email"], ticket["reopened_count"]) == ("open", "ada@desk.example", 1)
    sink.wait("ada@desk.example", "It happens again")
    desk.act(number, "resolve", body="For good now.", by="ada@desk.example")
    desk.act(number, "confirm")

    # Ada is away: her team gets it.
    team = desk.patch(f"/tickets/{number}", {"tags": ["again"]})["team"]
    assert team is None
    ada = next(a["id"] for a in desk.get("/agents")["items"] if a["email"] == "ada@desk.example")
    desk.patch(f"/agents/{ada}", {"away": True})
    assert desk.intake(message(KIM, text="And once more.", reply_to_message=last)) == str(number)
    ticket = desk.ticket(number)
    assert (ticket["state"], ticket["assignee"], ticket["reopened_count"]) == ("open", None, 2)
    reasons = [event["reason"] for event in desk.events(number) if event["kind"] == "assigned"]
    assert any("away" in reason for reason in reasons), reasons
    sink.wait("ben@desk.example", "And once more")


def test_after_the_window_a_new_ticket_continues_the_old_one(staffed, sink):
    desk = staffed
    number = solved(desk)
    last = sink.wait(KIM, "Solved so")
    desk.pass_time(number, 31 * 24)
    new = desk.intake(message(KIM, text="After a month it is back.", reply_to_message=last))
    assert new != str(number)
    ticket = desk.ticket(new)
    assert [(link["kind"], link["number"]) for link in ticket["links"]] == [("follows", number)]
    assert ticket["assignee"]["email"] == "ada@desk.example"
    assert desk.ticket(number)["state"] == "closed"
    assert [(link["kind"], link["number"]) for link in desk.ticket(number)["links"]] == [("followed_by", int(new))]
    # The next answer to the same old mail goes on in the new ticket's own thread only by its own token.
    sink.wait(KIM, f"[#{new}]")


def test_feedback_is_given_listed_reviewed_and_followed_up(staffed, sink):
    desk = staffed
    first, second = solved(desk), solved(
        desk, requester={"email": "lee@corner.example", "name": "Lee"}, subject="Card refused", by="ben@desk.example"
    )
    survey = sink.wait(KIM, "How did we do?")
    four = link(survey, r"/survey/\S*rating=4")
    page = requests.get(four).text
    assert re.search(r'value="4" checked', page)
    assert desk.get(f"/tickets/{first}/survey")["rating"] is None
    press(four, rating="4", comment="Quick, thank you")
    answered = desk.get(f"/tickets/{first}/survey")
    assert (answered["rating"], answered["comment"]) == (4, "Quick, thank you")

    token = link(sink.wait("lee@corner.example", "How did we do?"), "/survey/").split("/survey/")[1].split("?")[0]
    assert (
        requests.post(f"{desk.url}/api/v1/surveys/{token}", json={"rating": 1, "comment": "Too slow"}).status_code
        == 200
    )
    assert requests.post(f"{desk.url}/api/v1/surveys/{token}", json={"rating": 6}).status_code == 422
    assert (
        requests.post(
            f"{desk.url}/api/v1/surveys/{token[:-1]}{'y' if token.endswith('x') else 'x'}", json={"rating": 1}
        ).status_code
        == 404
    )

    by_agent = {a["name"]: a["average"] for a in desk.get("/feedback/averages?group=agent")["items"]}
    assert by_agent == {"Ada Lind": 4, "Ben Amari": 1}
    assert desk.get("/feedback/averages")["items"] == [{"name": "", "count": 2, "average": 2.5}]
    assert [a["count"] for a in desk.get("/feedback/averages?group=month")["items"]] == [2]
    [bad] = desk.get("/feedback?rating=1,2")["items"]
    assert (bad["ticket"], bad["comment"]) == (second, "Too slow")

    desk.post(f"/feedback/{bad['id']}/review", {"note": "We call back.", "by": "sam@desk.example"})
    assert [f["id"] for f in desk.get("/feedback?reviewed=true")["items"]] == [bad["id"]]
    new = desk.post(
        f"/feedback/{bad['id']}/follow-up",
        {"kind": "ticket", "body": "We are sorry, Lee. May we call?", "by": "sam@desk.example"},
        status=201,
    )
    assert ("follows", second) in [(link["kind"], link["number"]) for link in new["links"]]
    sink.wait("lee@corner.example", "May we call?")
    desk.post(
        f"/feedback/{answered['id']}/follow-up",
        {"kind": "reply", "body": "Thank you, Kim!", "by": "ada@desk.example"},
        status=201,
    )
    sink.wait(KIM, "Thank you, Kim!")
    listed = {f["ticket"]: f for f in desk.get("/feedback")["items"]}
    assert listed[second]["follow_ups"][0]["ticket"] == new["number"] and listed[second]["reviewer"] == "Sam Okafor"
    assert listed[first]["follow_ups"][0]["kind"] == "reply"
    assert {"rated", "reviewed", "followed_up"} <= set(desk.kinds(second))
