"""Every command of docs/tour.md, as it stands there."""

import os
import re
import subprocess

from desk import ROOT, USHER


def test_every_command_of_the_tour_does_what_it_says(desk, tmp_path):
    text = (ROOT / "docs/tour.md").read_text()
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    (tmp_path / "usher").symlink_to(USHER)
    environment = {**desk.environment, "URL": desk.url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", commands],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
