"""Takes the pictures of docs/screenshots: the demo desk's pages, light, dark and on a phone."""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from conftest import BROWSER
from desk import ROOT, Desk
from test_pages import DEMO, LOOKS, addresses

SHOWN = [
    "list",
    "search",
    "ticket",
    "new",
    "feedback",
    "people",
    "account",
    "not-found",
    "do-assign",
    "admin",
    "topics-one",
    "settings",
    "mail-texts",
    "mailbox",
    "home",
    "form",
    "article",
    "sign-in",
]
PLACE = ROOT / "docs/screenshots"
# Pages whose parts move as space gets short, at the widths where they do.
MOVING = ["list", "ticket", "admin", "home", "form"]
WIDTHS = {
    "laptop": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "tablet": {"color_scheme": "light", "viewport": {"width": 820, "height": 1180}},
    "zoomed": {"color_scheme": "light", "viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
}


def main():
    desk = Desk(Path(tempfile.mkdtemp(prefix="usher-shots-")), "sqlite", None, None)
    desk.start("--demo")
    try:
        agents, guests = addresses(desk)
        # A note and a draft, so that the ticket's page shows all there is.
        number = re.search(r"tickets/(\d+)", agents["ticket"]).group(1)
        desk.post(
            f"/tickets/{number}/entries",
            {
                "kind": "note",
                "body": "The provider shows a fault in the whole street. The spare router is in van 2.",
                "author": "ben@harbour.example",
            },
        )
        desk.post(
            f"/tickets/{number}/entries",
            {
                "kind": "reply",
                "body": "Hello,\n\nSam is on the way with a mobile router. I write again within the hour in any case.",
                "author": "ada@harbour.example",
            },
        )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            for look, options in (LOOKS | WIDTHS).items():
                if look == "phone-dark":
                    continue
                shown = MOVING if look in WIDTHS else SHOWN
                context = browser.new_context(base_url=desk.url, locale="en-GB", timezone_id="Europe/Berlin", **options)
                page = context.new_page()
                for name in shown:
                    if name in guests:
                        page.goto(guests[name])
                        page.screenshot(path=PLACE / f"{name}-{look}.png")
                page.goto("/sign-in")
                page.get_by_label("Email", exact=True).fill("mara@harbour.example")
                page.get_by_label("Password", exact=True).fill(DEMO)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url("**/desk**")
                for name in shown:
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
