"""Takes the pictures of docs/screenshots: the demo desk's pages, light, dark and on a phone."""
import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from desk import ROOT, Desk
from test_pages import DEMO, LOOKS, addresses

SHOWN = ["list", "search", "ticket", "new", "feedback", "people", "account", "not-found", "do-assign", "admin", "topics-one", "settings", "mail-texts", "mailbox", "home", "form", "article", "sign-in"]
PLACE = ROOT / "docs/screenshots"


def main():
    desk = Desk(Path(tempfile.mkdtemp(prefix="usher-shots-")), "sqlite", None, None)
    desk.start("--demo")
    try:
        agents, guests = addresses(desk)
        # A note and a draft, so that the ticket's page shows all there is.
        number = re.search(r"tickets/(\d+)", agents["ticket"]).group(1)
        desk.post(f"/tickets/{number}/entries", {"kind": "note", "body": "The provider shows a fault in the whole street. The spare router is in van 2.", "author": "ben@harbour.example"})
        desk.post(f"/tickets/{number}/entries", {"kind": "reply", "body": "Hello,\n\nSam is on the way with a mobile router. I write again within the hour in any case.", "author": "ada@harbour.example"})
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for look, options in LOOKS.items():
                if look == "phone-dark":
                    continue
                context = browser.new_context(base_url=desk.url, locale="en-GB", timezone_id="Europe/Berlin", **options)
                page = context.new_page()
                for name in SHOWN:
                    if name in guests:
                        page.goto(guests[name])
                        page.screenshot(path=PLACE / f"{name}-{look}.png")
                page.goto("/sign-in")
                page.get_by_label("Email", exact=True).fill("mara@harbour.example")
                page.get_by_label("Password", exact=True).fill(DEMO)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url("**/desk**")
                for name in SHOWN:
                    if name in agents:
                        page.goto(agents[name])
                        page.wait_for_timeout(500)
                        page.screenshot(path=PLACE / f"{name}-{look}.png")
                context.close()
            browser.close()
    finally:
        desk.stop()


if __name__ == "__main__":
    sys.exit(main())
