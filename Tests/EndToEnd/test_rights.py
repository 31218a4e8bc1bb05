"""Rights that are taken away while a page is open."""

import re
import threading

import requests

from conftest import PASSWORD
from desk import wait_for


def signed_in(desk, email):
    browser = requests.Session()
    csrf = re.search(r'name="csrf" value="(\w+)"', browser.get(desk.url + "/sign-in").text).group(1)
    answer = browser.post(
        desk.url + "/sign-in", data={"csrf": csrf, "email": email, "password": PASSWORD}, allow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    return browser


class Line:
    """An open page's line to the desk, and what came by it."""

    def __init__(self, browser, desk, number):
        self.answer = browser.get(f"{desk.url}/desk/live?ticket={number}", stream=True, timeout=60)
        assert self.answer.status_code == 200
        self.lines, self.ended = [], threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer.iter_lines(chunk_size=1):
                self.lines.append(line.decode())
        finally:
            self.ended.set()

    def events(self, name):
        return self.lines.count(f"event: {name}")


def test_an_open_line_delivers_nothing_more_to_an_agent_who_lost_the_department(desk):
    desk.add_agent("ada@desk.example", "Ada Lind", password=PASSWORD)
    desk.add_agent("ben@desk.example", "Ben Amari", password=PASSWORD)
    desk.post("/departments", {"name": "Elsewhere"})
    number = desk.open()["number"]
    lost, kept = [Line(signed_in(desk, f"{name}@desk.example"), desk, number) for name in ("ada", "ben")]

    def note(words):
        desk.post(f"/tickets/{number}/entries", {"kind": "note", "body": words, "author": "ben@desk.example"})

    note("Both are told.")
    wait_for(lambda: lost.events("ticket") and kept.events("ticket"))
    ada = next(agent["id"] for agent in desk.get("/agents")["items"] if agent["email"] == "ada@desk.example")
    desk.patch(f"/agents/{ada}", {"departments": ["Elsewhere"]})
    told, before = lost.events("ticket"), kept.events("ticket")
    note("Ben alone is told.")
    wait_for(lambda: kept.events("ticket") > before)
    assert lost.ended.wait(15), "the line of whoever lost the right ends"
    assert lost.events("ticket") == told, lost.lines
    # Opened anew it leads nowhere.
    assert signed_in(desk, "ada@desk.example").get(f"{desk.url}/desk/live?ticket={number}").status_code == 404
    assert not kept.ended.is_set()
