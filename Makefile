# run: the demo desk. test: everything CI checks. bench: the table of docs/speed.md. check: style and house rules only.
.PHONY: fuzz faults tools run build dev test unit e2e api bench check screenshots system clean
SHELL := /bin/bash

run: system
	@Scripts/progress "building the desk (about eight minutes the first time)" swift build -c release --product usher
	@exec .build/release/usher serve --demo

build: system
	swift build -c release --product usher

# While working on it: builds anew and reloads open pages when a source changes.
dev: system
	@Scripts/dev

# The pictures of docs/screenshots, made anew.
screenshots: .venv/ready
	@swift build --product usher
	cd Tests/EndToEnd && ../../.venv/bin/python screenshots.py

# Debian's libraries and tools, only where something is missing.
system:
	@Scripts/system

test: tools check unit e2e api

# What only the tests need.
tools:
	@Scripts/system tests

# Rules and verbs on SQLite and on a PostgreSQL of our own, by the package's own tests.
unit:
	@Scripts/unit

# The real program, real mail, both engines; the tour's commands among them.
e2e: .venv/ready
	@swift build --product usher
	cd Tests/EndToEnd && ../../.venv/bin/pytest -q -n 2 --dist worksteal -m "not alone"
	cd Tests/EndToEnd && ../../.venv/bin/pytest -q -m alone

# The API against its own description.
api: .venv/ready
	@swift build --product usher
	.venv/bin/python Tests/EndToEnd/check_api.py

# Ten minutes of libFuzzer on each reader of strangers' input: FUZZ_SECONDS sets another time.
fuzz: system
	@Scripts/fuzz

# A fault every few seconds for half an hour; what was acknowledged must be there, once. MINUTES and ENGINES set other ones.
faults: tools .venv/ready
	swift build -c release --product usher
	cd Tests/EndToEnd && USHER_BIN=$${USHER_BIN:-$(CURDIR)/.build/release/usher} ../../.venv/bin/python fault_run.py

check:
	@Scripts/check

bench: tools .venv/ready
	swift build -c release --product usher
	swift build -c release --product floor
	.venv/bin/python Bench/bench.py

.venv/ready: Tests/EndToEnd/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r Tests/EndToEnd/requirements.txt
	@touch .venv/ready

clean:
	rm -rf .build .venv
