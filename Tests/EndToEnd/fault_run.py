#!/usr/bin/env python3
"""Half an hour of bad days: clients and a mail server keep writing while things around the desk fail, one after the other.

    make faults                          15 minutes on SQLite, 15 on PostgreSQL
    MINUTES=4 ENGINES=sqlite make faults

Kills, restarts, a full disk, a database that is gone or stands still, a mail server that is slow, away, deferring or
dropping. At the end each acknowledged ticket, reply and message must be there once, nothing may be there twice, the
outbox must empty itself, and `usher check` must find nothing. The faults come in an order that SEED decides.
"""

import collections
import json
import os
import random
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests

from desk import Cluster, Desk, Sink, free_port, message, wait_for

MINUTES = float(os.environ.get("MINUTES", "30"))
ENGINES = os.environ.get("ENGINES", "sqlite,postgres").split(",")
SEED = int(os.environ.get("SEED", "1"))
# Above what `usher check` calls little.
DISK = 2500 << 20


class SlowSink(Sink):
    """A mail server that also can be slow: it answers for each recipient after some seconds."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode == "slow":
            import asyncio

            await asyncio.sleep(4)
        return await super().handle_RCPT(server, session, envelope, address, options)


class Ledger:
    """What was asked for and what was promised, by the word that each text carries."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = {}
        self.kept = {}
        self.waits = []
        self.refused = collections.Counter()
        self.numbers = []

    def ask(self, kind):
        with self.lock:
            word = f"word{len(self.asked):06d}x"
            self.asked[word] = kind
        return word

    def keep(self, word, seconds, number=None):
        with self.lock:
            self.kept[word] = number
            self.waits.append(seconds)
            if number:
                self.numbers.append(number)

    def refuse(self, reason):
        with self.lock:
            self.refused[reason] += 1


class Run:
    def __init__(self, engine, cluster, place):
        self.engine, self.cluster = engine, cluster
        self.dice = random.Random(SEED)
        self.ledger = Ledger()
        self.sink = SlowSink()
        self.lmtp = free_port()
        self.mounted = self.mount(place)
        self.desk = Desk(place, engine, cluster, self.sink, USHER_LMTP_LISTEN=f"127.0.0.1:{self.lmtp}")
        self.faults = collections.Counter()
        self.starts = []
        self.ended = threading.Event()

    def mount(self, place):
        """A disk of its own, small enough to be filled; only root can mount one."""
        (place / "data").mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place / "data")], capture_output=True
        )
        return done.returncode == 0

    # What people and mail servers do meanwhile

    def api(self):
        http = requests.Session()
        http.headers["Authorization"] = f"Bearer {self.desk.key}"
        while not self.ended.is_set():
            reply = self.ledger.numbers and random.random() < 0.4
            word = self.ledger.ask("reply" if reply else "ticket")
            # The same request again under the same key, or the key is refused.
            number = random.choice(self.ledger.numbers[-200:]) if reply else None
            begun = time.monotonic()
            while not self.ended.is_set():
                try:
                    if reply:
                        answer = http.post(
                            f"{self.desk.url}/api/v1/tickets/{number}/entries",
                            timeout=20,
                            json={"kind": "message", "body": f"Here is more: {word}", "author": "kim@harbour.example"},
                            headers={"Idempotency-Key": word},
                        )
                    else:
                        answer = http.post(
                            f"{self.desk.url}/api/v1/tickets",
                            timeout=20,
                            headers={"Idempotency-Key": word},
                            json={
                                "requester": {"email": f"{word}@harbour.example"},
                                "subject": f"Request {word}",
                                "body": "The scanner sends empty pages.",
                            },
                        )
                except requests.RequestException as error:
                    self.ledger.refuse(type(error).__name__)
                    time.sleep(0.3)
                    continue
                if answer.status_code in (200, 201):
                    self.ledger.keep(word, time.monotonic() - begun, None if reply else answer.json()["number"])
                    break
                self.ledger.refuse(str(answer.status_code))
                if answer.status_code in (404, 409, 422):
                    break
                time.sleep(0.3)
            time.sleep(0.2)

    def mail(self):
        while not self.ended.is_set():
            word = self.ledger.ask("mail")
            raw = message(
                f"{word}@customer.example",
                f"Request {word}",
                "The scanner sends empty pages.",
                message_id=f"<{word}@customer.example>",
            ).as_bytes()
            begun = time.monotonic()
            while not self.ended.is_set():
                try:
                    with smtplib.LMTP("127.0.0.1", self.lmtp, timeout=20) as line:
                        refused = line.sendmail(f"{word}@customer.example", ["support@localhost"], raw)
                    if not refused:
                        self.ledger.keep(word, time.monotonic() - begun)
                        break
                    self.ledger.refuse("mail " + str(list(refused.values())[0][0]))
                except smtplib.SMTPResponseException as error:
                    self.ledger.refuse(f"mail {error.smtp_code}")
                except smtplib.SMTPRecipientsRefused as error:
                    self.ledger.refuse("mail " + str(list(error.recipients.values())[0][0]))
                except (OSError, smtplib.SMTPException) as error:
                    self.ledger.refuse("mail " + type(error).__name__)
                time.sleep(0.3)
            time.sleep(0.3)

    # What goes wrong

    def again(self):
        begun = time.monotonic()
        self.desk.start()
        self.starts.append(time.monotonic() - begun)

    def kill(self):
        self.desk.kill()
        self.again()

    def restart(self):
        begun = time.monotonic()
        assert self.desk.stop() == 0, self.desk.log()[-2000:]
        assert time.monotonic() - begun < 12, "ending took too long"
        self.again()

    def full_disk(self):
        """The desk's own disk; a PostgreSQL elsewhere goes on."""
        ballast = self.desk.folder / "data" / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
            except OSError:
                pass
        time.sleep(5)
        ballast.unlink()

    def full_disk_and_kill(self):
        ballast = self.desk.folder / "data" / "ballast"
        threading.Timer(3, self.desk.kill).start()
        self.full_disk()
        assert not ballast.exists()
        wait_for(lambda: self.desk.process is None)
        self.again()

    def database_away(self):
        self.cluster.stop("immediate")
        time.sleep(self.dice.uniform(2, 12))
        self.cluster.start()

    def database_frozen(self):
        # The server's processes stand still; its port still takes connections.
        first = int(Path(self.cluster.folder, "data", "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True).stdout.split()
        for process in [first, *map(int, children)]:
            try:
                os.kill(process, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        time.sleep(self.dice.uniform(2, 12))
        for process in [first, *map(int, children)]:
            try:
                os.kill(process, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def relay(self, mode, seconds):
        def fault():
            self.sink.mode = mode
            time.sleep(seconds)
            self.sink.mode = "take"

        fault.__name__ = f"relay_{mode}"
        return fault

    def relay_away(self):
        self.sink.close()
        time.sleep(8)
        self.sink.open()

    def kill_while_relay_slow(self):
        self.sink.mode = "slow"
        time.sleep(3)
        self.kill()
        self.sink.mode = "take"

    def catalogue(self):
        faults = [
            self.kill,
            self.kill,
            self.restart,
            self.relay("slow", 10),
            self.relay("defer", 5),
            self.relay("drop", 3),
            self.relay_away,
            self.kill_while_relay_slow,
        ]
        if self.mounted:
            faults += [self.full_disk, self.full_disk_and_kill]
        if self.engine == "postgres":
            faults += [self.database_away, self.database_away, self.database_frozen]
        return faults

    def go(self, seconds):
        self.desk.start()
        self.desk.cli("agent", "add", "--email", "ada@desk.example", "--name", "Ada Lind")
        self.desk.key
        workers = [threading.Thread(target=self.api) for _ in range(6)] + [
            threading.Thread(target=self.mail) for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                time.sleep(self.dice.uniform(1, 6))
                fault = self.dice.choice(self.catalogue())
                self.faults[fault.__name__] += 1
                fault()
        finally:
            self.sink.mode = "take"
            self.ended.set()
            for worker in workers:
                worker.join()
        self.settle()

    def settle(self):
        """All that waits goes out; then the books are compared."""
        # What the last bad minutes put off is not due yet: a night passes.
        self.desk.stop()
        self.desk.sql("UPDATE outbox SET due_at = 0 WHERE due_at IS NOT NULL")
        self.desk.start()
        wait_for(lambda: self.desk.sql("SELECT count(*) FROM outbox WHERE due_at IS NOT NULL")[0][0] == "0", 180, 1)

    def judge(self):
        counts = collections.Counter()
        for (text,) in self.desk.sql(
            "SELECT CASE WHEN entry.kind = 'message' AND first.id = entry.id THEN ticket.subject ELSE entry.text END FROM entry JOIN ticket ON ticket.id = entry.ticket_id JOIN (SELECT ticket_id, min(id) AS id FROM entry GROUP BY ticket_id) AS first ON first.ticket_id = ticket.id"
        ):
            for word in text.split():
                if word in self.ledger.asked:
                    counts[word] += 1
        lost = [word for word in self.ledger.kept if counts[word] == 0]
        doubled = [word for word, count in counts.items() if count > 1]
        half = self.desk.sql(
            "SELECT count(*) FROM ticket WHERE (SELECT count(*) FROM ticket_event WHERE ticket_id = ticket.id AND kind = 'opened') <> 1 OR (SELECT count(*) FROM entry WHERE ticket_id = ticket.id) = 0"
        )[0][0]
        ids = collections.Counter((str(m["Message-ID"]), to) for _, to, m in self.sink.messages)
        copies = sum(1 for count in ids.values() if count > 1)
        check = self.desk.cli("check", "--json", check=False)
        self.desk.stop()
        waits = sorted(self.ledger.waits)
        at = lambda share: waits[min(len(waits) - 1, int(len(waits) * share))]
        print(
            f"\n{self.engine}: {sum(self.faults.values())} faults: "
            + ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        )
        print(
            f"  asked {len(self.ledger.asked)}, acknowledged {len(self.ledger.kept)}, of these lost {len(lost)}, kept twice {len(doubled)}, tickets in part {half}"
        )
        print(
            f"  until acknowledged, retries included: p50 {at(0.5) * 1000:.0f} ms, p99 {at(0.99):.1f} s, longest {waits[-1]:.1f} s; start again p50 {sorted(self.starts)[len(self.starts) // 2]:.2f} s, longest {max(self.starts):.2f} s"
        )
        print(
            f"  answers on the way: "
            + ", ".join(f"{count} {name}" for name, count in self.ledger.refused.most_common())
        )
        print(
            f"  mails taken {len(self.sink.messages)}, of these second copies under one Message-ID {copies}; usher check ended with {check.returncode}"
        )
        faults = []
        if lost or doubled or half != "0":
            faults.append(f"lost {lost[:5]}, doubled {doubled[:5]}, in part {half}")
        # A relay that ends the connection behind the last dot leaves mail of which nobody knows whether it arrived.
        remarks = [found["what"] for found in json.loads(check.stdout)["findings"] if found.get("advice")]
        for remark in remarks:
            print(f"  usher check: {remark}")
        faults += [remark for remark in remarks if not re.search(r"failed or may not have arrived", remark)]
        return faults

    def close(self):
        self.desk.stop()
        self.sink.close()
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.desk.folder / "data")])


def main():
    cluster = Cluster(durable=True) if "postgres" in ENGINES else None
    faults = []
    try:
        for engine in ENGINES:
            with tempfile.TemporaryDirectory(prefix="usher-faults-") as folder:
                run = Run(engine, cluster, Path(folder))
                try:
                    run.go(MINUTES * 60 / len(ENGINES))
                    faults += run.judge()
                finally:
                    run.close()
    finally:
        if cluster:
            cluster.stop("immediate")
    for fault in faults:
        print("FAULT:", fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
