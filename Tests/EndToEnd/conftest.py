import os
import shutil
import socket

import pytest
from playwright.sync_api import sync_playwright

from desk import Cluster, Desk, Sink, free_port, wait_for


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.stop("immediate")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request):
    return request.param


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def new_desk(tmp_path, engine, sink, request):
    """Makes desks that are not running yet."""
    made = []

    def make(**settings):
        folder = tmp_path / f"desk-{len(made)}"
        folder.mkdir()
        desk = Desk(
            folder, engine, request.getfixturevalue("cluster") if engine == "postgres" else None, sink, **settings
        )
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.stop()


@pytest.fixture
def desk(new_desk):
    return new_desk().start()


@pytest.fixture
def staffed(desk):
    """Ada and Ben answer, Sam supervises, Eve leads the team for what cannot wait."""
    desk.add_agent("ada@desk.example", "Ada Lind")
    desk.add_agent("ben@desk.example", "Ben Amari")
    desk.add_agent("sam@desk.example", "Sam Okafor", "supervisor")
    desk.add_agent("eve@desk.example", "Eve Moreau")
    desk.post(
        "/teams",
        {"name": "Front line", "lead": "ben@desk.example", "members": ["ada@desk.example", "ben@desk.example"]},
    )
    desk.post("/teams", {"name": "Second level", "lead": "eve@desk.example", "members": ["eve@desk.example"]})
    department = desk.get("/departments")["items"][0]
    desk.patch(
        f"/departments/{department['id']}", {"escalation_team": "Second level", "supervisor": "sam@desk.example"}
    )
    return desk


PASSWORD = "a password for tests"


# The one without windows takes less than half of the other's processor time.
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        # The browser refuses its own sandbox to root.
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


class People:
    """Browsers of several people at once; a page that complains about itself fails the test."""

    def __init__(self, chromium, desk):
        self.chromium = chromium
        self.desk = desk
        self.contexts = []
        self.complaints = []
        self.expected = []

    def guest(self, **options):
        context = self.chromium.new_context(
            base_url=self.desk.url,
            locale="en-GB",
            timezone_id="Europe/Berlin",
            **{"viewport": {"width": 1440, "height": 860}, **options},
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def agent(self, email, **options):
        page = self.guest(**options)
        self.sign_in(page, email)
        return page

    def sign_in(self, page, email, password=PASSWORD):
        page.goto("/sign-in")
        page.get_by_label("Email", exact=True).fill(email)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/desk**")

    def close(self):
        for context in self.contexts:
            context.close()
        # A connection that a test cut, a refused form: the browser says so of every such answer.
        complaints = [c for c in self.complaints if "Failed to load resource" not in c and "ERR_" not in c]
        assert not complaints, complaints


@pytest.fixture
def people(chromium, peopled):
    people = People(chromium, peopled)
    yield people
    people.close()


@pytest.fixture
def peopled(desk):
    """The same cast, with passwords. Replies go at once; a test of taking them back sets the seconds."""
    desk.patch("/settings", {"undo_seconds": 0})
    desk.add_agent("mara@desk.example", "Mara Lindqvist", "administrator", password=PASSWORD)
    desk.add_agent("ada@desk.example", "Ada Lind", password=PASSWORD)
    desk.add_agent("ben@desk.example", "Ben Amari", password=PASSWORD)
    desk.add_agent("sam@desk.example", "Sam Okafor", "supervisor", password=PASSWORD)
    desk.add_agent("eve@desk.example", "Eve Moreau", password=PASSWORD)
    desk.post("/teams", {"name": "Second level", "lead": "eve@desk.example", "members": ["eve@desk.example"]})
    department = desk.get("/departments")["items"][0]
    desk.patch(
        f"/departments/{department['id']}", {"escalation_team": "Second level", "supervisor": "sam@desk.example"}
    )
    return desk


@pytest.fixture
def entrance(new_desk):
    """A desk that listens for a mail server in front."""
    port = free_port()
    desk = new_desk(USHER_LMTP_LISTEN=f"127.0.0.1:{port}").start()
    wait_for(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
    desk.lmtp = port
    return desk
