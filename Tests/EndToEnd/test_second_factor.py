"""Two-factor authentication in a browser: turned on with a password, used, lost and reset; and signing in as strangers guess."""

import base64
import hashlib
import hmac
import re
import struct
import time

from playwright.sync_api import expect

from conftest import PASSWORD
from desk import body

ADA = "ada@desk.example"


def code(key, at=None):
    """RFC 6238, as an authenticator app makes it."""
    secret = base64.b32decode(key + "=" * (-len(key) % 8))
    digest = hmac.new(secret, struct.pack(">Q", int((at or time.time()) // 30)), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def fresh(key, used):
    """The next code that was not used yet: none works twice."""
    while code(key) in used:
        time.sleep(1)
    used.add(code(key))
    return code(key)


def sign_in(page, password=PASSWORD):
    page.goto("/sign-in")
    page.locator("form.card").first.get_by_label("Email").fill(ADA)
    page.get_by_label("Password").fill(password)
    page.locator("form.card").first.get_by_role("button", name="Sign in").click()


def test_two_factor_from_setting_it_up_to_losing_the_device(people, peopled, sink):
    ada, phone = people.agent(ADA), people.agent(ADA)
    phone.goto("/desk")
    used = set()

    # It takes the password.
    ada.goto("/desk/account")
    card = ada.locator("form", has=ada.get_by_role("heading", name="Two-factor authentication"))
    card.get_by_label("Your password").fill("not my password")
    card.get_by_role("button", name="Set up").click()
    expect(ada.get_by_text("This isn't your password.")).to_be_visible()
    ada.locator("#codes-current").fill(PASSWORD)
    ada.get_by_role("button", name="Set up").click()
    picture = ada.get_by_role("img", name="QR code for your authenticator app")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert box["width"] > 150 and abs(box["width"] - box["height"]) < 1
    key = ada.locator("code.key").inner_text()
    ada.get_by_label("Code", exact=True).fill("000000")
    ada.get_by_role("button", name="Turn on").click()
    expect(ada.locator("#code-fault")).to_be_visible()
    ada.get_by_label("Code", exact=True).fill(fresh(key, used))
    ada.get_by_role("button", name="Turn on").click()
    expect(ada.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    codes = ada.locator("ul.codes code").all_inner_texts()
    assert len(codes) == 10
    # They are shown this once.
    ada.get_by_role("link", name="I've saved them").click()
    expect(ada.get_by_text("10 recovery codes are left.")).to_be_visible()
    assert codes[0] not in ada.content()

    # The other device is signed out, and Ada is told.
    phone.goto("/desk")
    expect(phone).to_have_url(re.compile("/sign-in"))
    assert "turned on" in body(sink.wait(ADA, "Security notice"))

    # Signing in takes a code; a recovery code works once.
    for given, works in [("123456", False), (codes[0].upper(), True), (codes[0], False)]:
        page = people.guest()
        sign_in(page)
        page.get_by_label("Code from your authenticator app, or a recovery code").fill(given)
        page.get_by_role("button", name="Sign in").click()
        if works:
            expect(page).to_have_url(re.compile("/desk$"))
        else:
            expect(page.get_by_role("alert")).to_be_visible()

    # To turn it off takes the password and a code.
    ada.goto("/desk/account")
    expect(ada.get_by_text("9 recovery codes are left.")).to_be_visible()
    ada.locator("#codes-current").fill(PASSWORD)
    ada.locator("#codes-code").fill("000000")
    ada.get_by_role("button", name="Turn off").click()
    expect(ada.locator("#codes-code-fault")).to_be_visible()
    ada.locator("#codes-current").fill(PASSWORD)
    ada.locator("#codes-code").fill(codes[1])
    ada.get_by_role("button", name="Create new recovery codes").click()
    expect(ada.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert set(ada.locator("ul.codes code").all_inner_texts()).isdisjoint(codes)

    # The device is lost: an operator resets it.
    said = peopled.cli("agent", "reset-two-factor", ADA)
    assert "is off for Ada" in said.stdout.decode()
    page = people.guest()
    sign_in(page)
    expect(page).to_have_url(re.compile("/desk$"))
    assert peopled.cli("agent", "reset-two-factor", ADA, check=False).returncode == 1


def test_whoever_left_is_signed_out_at_once_and_the_last_administrator_stays(people, peopled):
    ada = people.agent(ADA)
    ada.goto("/desk")
    peopled.cli("agent", "deactivate", ADA)
    # Another process did it: a session is remembered for five seconds.
    ada.wait_for_timeout(5500)
    ada.goto("/desk")
    expect(ada).to_have_url(re.compile("/sign-in"))
    administrators = [
        agent["email"]
        for agent in peopled.get("/agents")["items"]
        if agent["role"] == "administrator" and agent["active"]
    ]
    results = [peopled.cli("agent", "deactivate", email, check=False) for email in administrators]
    assert [result.returncode for result in results] == [0] * (len(administrators) - 1) + [1]
    assert "only active administrator" in results[-1].stderr.decode()
