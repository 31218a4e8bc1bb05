"""Checks the running API against its own document with schemathesis, on SQLite."""

import subprocess
import sys
import tempfile
from pathlib import Path

from desk import Desk, ROOT

with tempfile.TemporaryDirectory() as folder:
    desk = Desk(folder, "sqlite").start()
    try:
        desk.add_agent("ada@desk.example", "Ada Lind")
        for i in range(3):
            number = desk.open(subject=f"request {i}")["number"]
        desk.act(number, "claim", by="ada@desk.example")
        tool = Path(sys.executable).parent / "schemathesis"
        done = subprocess.run(
            [
                str(tool),
                "--config-file",
                str(ROOT / "Tests/EndToEnd/schemathesis.toml"),
                "run",
                f"{desk.url}/api/v1/openapi.json",
                "--header",
                f"Authorization: Bearer {desk.key}",
                "--max-examples",
                "8",
                "--seed",
                "1",
                "--phases",
                "examples,coverage,fuzzing",
                "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method,negative_data_rejection",
                "--request-timeout",
                "20",
                "--continue-on-failure",
                "--no-color",
                "--generation-deterministic",
            ]
            + sys.argv[1:],
            cwd=folder,
        )
        failed = "a request failed" in desk.log()
        if failed:
            print(desk.log())
        sys.exit(1 if failed else done.returncode)
    finally:
        desk.stop()
