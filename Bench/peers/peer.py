"""What the peers share: the same kind of tickets as ours, and how they are asked."""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from load import COMMON, SELDOM, Cluster, free_port, wrk  # noqa: E402,F401

PLAIN = [
    "the",
    "order",
    "please",
    "error",
    "screen",
    "since",
    "yesterday",
    "update",
    "phone",
    "server",
    "login",
    "payment",
    "customer",
    "report",
    "again",
    "before",
    "help",
    "thanks",
    "office",
]


def tickets(count):
    """Subject, address and three texts of each ticket; the same ones in every run."""
    dice = random.Random(1)

    def words(number):
        return " ".join(
            dice.choice(SELDOM) if dice.random() < 0.002 else dice.choice(COMMON if dice.random() < 0.3 else PLAIN)
            for _ in range(number)
        )

    for number in range(count):
        yield words(6).capitalize(), f"c{number // 5}@peer.example", [words(50), words(35), words(10)]


def report(name, version, size, runs):
    print(
        f"\n### {name} {version}, {size:,} tickets, 8 connections\n\n| | /s | p50 ms | p99 | failed |\n|---|---:|---:|---:|---:|"
    )
    for title, run in runs.items():
        print(f"| {title} | {run['rate']:,.1f} | {run['p50']:.1f} | {run['p99']:.1f} | {run['bad']} |")
    sys.stdout.flush()


def skip(name, reason):
    print(f"\n{name} was not measured: {reason}")
    sys.exit(0)


def environment(*packages):
    """A Python environment of its own with the packages; None where they cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="usher-peer-"))
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    done = subprocess.run([str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages])
    return folder if done.returncode == 0 else None
