"""Dovecot in a temporary folder: IMAP and POP3, plain on loopback, STARTTLS and TLS, passwords and OAuth tokens; and an OAuth provider for it."""

import http.server
import imaplib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from desk import free_port, wait_for


class Dovecot:
    password = "mailbox words"

    def __init__(self, introspection=None):
        self.folder = Path(tempfile.mkdtemp(prefix="usher-dovecot-"))
        # The user's processes look into it.
        self.folder.chmod(0o755)
        self.imap, self.imaps, self.pop3, self.pop3s = (free_port() for _ in range(4))
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-keyout",
                self.folder / "key.pem",
                "-out",
                self.folder / "cert.pem",
            ],
            check=True,
            capture_output=True,
        )
        self.certificate = str(self.folder / "cert.pem")
        (self.folder / "users").write_text(f"support:{{PLAIN}}{self.password}\n")
        mail = self.folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "dovenull", "dovenull")
        oauth = ""
        if introspection:
            (self.folder / "oauth.conf").write_text(
                f"introspection_mode = post\nintrospection_url = {introspection}\nusername_attribute = email\nactive_attribute = active\nactive_value = true\n"
            )
            oauth = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {self.folder}/oauth.conf\n}}"
        (self.folder / "dovecot.conf").write_text(f"""
protocols = imap pop3
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.folder}/cert.pem
ssl_key = <{self.folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
mail_location = maildir:{self.folder}/mail/%u
first_valid_uid = 1
mail_max_userip_connections = 100
{oauth}
passdb {{
 driver = passwd-file
 mechanisms = plain login
 args = {self.folder}/users
}}
userdb {{
 driver = static
 args = uid=dovenull gid=dovenull home={self.folder}/mail/%u
}}
service imap-login {{
 inet_listener imap {{
  port = {self.imap}
 }}
 inet_listener imaps {{
  port = {self.imaps}
  ssl = yes
 }}
}}
service pop3-login {{
 inet_listener pop3 {{
  port = {self.pop3}
 }}
 inet_listener pop3s {{
  port = {self.pop3s}
  ssl = yes
 }}
}}
""")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.folder / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.answers)

    def answers(self):
        try:
            with imaplib.IMAP4("127.0.0.1", self.imap, timeout=2):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def line(self, folder="INBOX", readonly=False):
        line = imaplib.IMAP4("127.0.0.1", self.imap)
        line.login("support", self.password)
        line.select(folder, readonly)
        return line

    def put(self, *messages, flags="", folder="INBOX"):
        with self.line() as line:
            for m in messages:
                answer, _ = line.append(
                    folder,
                    flags,
                    None,
                    m if isinstance(m, bytes) else m.as_bytes(policy=m.policy.clone(linesep="\r\n")),
                )
                assert answer == "OK"

    def numbers(self, criterion="ALL", folder="INBOX"):
        with self.line(folder, readonly=True) as line:
            return [int(n) for n in line.uid("SEARCH", criterion)[1][0].split()]

    def log(self):
        return (self.folder / "log").read_text(errors="replace")


class Provider:
    """An OAuth 2 provider: gives codes and tokens, replaces refresh tokens at each use, and withdraws consent as told."""

    def __init__(self):
        self.port = free_port()
        self.refresh = None
        self.access = {}
        self.asked = []
        self.seconds = 3600
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                fields = dict(
                    urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
                )
                status, answer = provider.answer(self.path, fields)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, path, fields):
        if path == "/introspect":
            known = self.access.get(fields.get("token"), 0) > time.time()
            return 200, {"active": known, "email": "support"} if known else {"active": False}
        self.asked.append(fields)
        if fields["grant_type"] == "authorization_code":
            if fields["code"] != "a good code" or len(fields["code_verifier"]) < 43:
                return 400, {"error": "invalid_request", "error_description": "wrong code"}
        elif fields["refresh_token"] != self.refresh:
            return 400, {"error": "invalid_grant", "error_description": "The grant was revoked."}
        self.refresh = os.urandom(8).hex()
        token = os.urandom(8).hex()
        self.access[token] = time.time() + self.seconds
        return 200, {
            "access_token": token,
            "expires_in": self.seconds,
            "refresh_token": self.refresh,
            "token_type": "Bearer",
        }

    def withdraw(self):
        self.refresh = "withdrawn"
        self.access = {}

    def close(self):
        self.server.shutdown()


class Postfix:
    """Postfix in a temporary folder, in front of a desk: one domain by LMTP, one by a pipe into the program; what it cannot deliver waits and is tried again within a second."""

    def __init__(self, lmtp, pipe):
        self.folder = Path(tempfile.mkdtemp(prefix="usher-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        config = self.folder / "etc"
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix", "postfix")
        (config / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.desk.example
mydestination =
relay_domains = desk.example, pipe.example
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
mynetworks = 127.0.0.0/8
recipient_delimiter = +
transport_maps = inline:{{ desk.example=lmtp:inet:127.0.0.1:{lmtp}, pipe.example=usher: }}
alias_maps =
local_recipient_maps =
usher_destination_recipient_limit = 1
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
transport_retry_time = 1s
""")
        (config / "master.cf").write_text(f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
usher unix - n n - 4 pipe flags=Rq user=nobody argv={pipe} ${{sender}} ${{original_recipient}}
""")
        self.run("start")
        wait_for(self.answers)

    def run(self, verb):
        return subprocess.run(["postfix", "-c", str(self.folder / "etc"), verb], check=True, capture_output=True)

    def answers(self):
        import smtplib

        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=2):
                return True
        except OSError:
            return False

    def close(self):
        self.run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")
