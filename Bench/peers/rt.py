#!/usr/bin/env python3
"""Request Tracker 5 on this machine: Debian's package, filled with tickets like ours, asked as our desk is. Usage: rt.py TICKETS

Its own program makes the tickets, a few a second: at most 2,000 are made, whatever is asked for, and the table says so.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from peer import COMMON, Cluster, free_port, report, skip, tickets, wrk

MOST = 2000
FILL = r"""
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT; use JSON;
RT::LoadConfig(); RT::Init();
my $user = RT::CurrentUser->new('root');
my $made = 0;
while (my $line = <STDIN>) {
    my ($subject, $address, $texts) = @{decode_json($line)};
    my $ticket = RT::Ticket->new($user);
    my ($id) = $ticket->Create(Queue => 'General', Requestor => $address, Subject => $subject, MIMEObj => MIME::Entity->build(Type => 'text/plain', Data => [$texts->[0]]));
    $ticket->Correspond(Content => $texts->[1]);
    $ticket->SetStatus('resolved') if ++$made % 33;
}
"""


def main():
    size = min(int(sys.argv[1]), MOST)
    setup = shutil.which("rt-setup-database-5")
    if not setup:
        skip(
            "Request Tracker",
            "the package request-tracker5 is not installed (apt-get install --no-install-recommends request-tracker5 rt5-db-postgresql starman)",
        )
    folder = Path(tempfile.mkdtemp(prefix="usher-peer-"))
    cluster = Cluster(durable=True)
    server = None
    port = free_port()
    try:
        (folder / "site.pm").write_text(
            f"Set($DatabaseType, 'Pg'); Set($DatabaseHost, '127.0.0.1'); Set($DatabasePort, '{cluster.port}'); Set($DatabaseUser, 'rt'); Set($DatabasePassword, 'rt'); Set($DatabaseName, 'rt');\n"
            f"Set($DatabaseAdmin, 'usher'); Set($rtname, 'bench'); Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebPath, ''); Set($MailCommand, 'testfile'); Set($LogToFile, undef); Set($LogToSyslog, undef);\n"
            f"Set($LogToSTDERR, 'error'); Set($WebSecureCookies, 0); Set($RestrictReferrer, 0); Set(%FullTextSearch, Enable => 1, Indexed => 0); Set($MasonDataDir, '{folder}/mason'); Set($MasonSessionDir, '{folder}/sessions'); 1;\n"
        )
        (folder / "mason").mkdir()
        (folder / "sessions").mkdir()
        (folder / "none").mkdir()
        variables = {
            **os.environ,
            "RT_SITE_CONFIG": str(folder / "site.pm"),
            "RT_SITE_CONFIG_DIR": str(folder / "none"),
            "PGPASSWORD": "x",
        }
        subprocess.run(
            [setup, "--action", "init", "--dba", "usher", "--dba-password", "x"],
            env=variables,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        rows = [json.dumps(ticket) for ticket in tickets(size)]
        (folder / "fill.pl").write_text(FILL)
        writers = []
        for part in (rows[: size // 2], rows[size // 2 :]):
            writer = subprocess.Popen(
                ["perl", str(folder / "fill.pl")], env=variables, stdin=subprocess.PIPE, text=True
            )
            writer.stdin.write("\n".join(part))
            writer.stdin.close()
            writers.append(writer)
        for writer in writers:
            assert writer.wait() == 0
        cluster.sql("rt", "ANALYZE")
        server = subprocess.Popen(
            [
                "plackup",
                "-s",
                "Starman",
                "--workers",
                "4",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "/usr/share/request-tracker5/libexec/rt-server",
            ],
            env=variables,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        cookie = None
        for _ in range(300):
            try:
                form = urllib.parse.urlencode({"user": "root", "pass": "password"}).encode()
                opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
                opener.open(f"http://127.0.0.1:{port}/NoAuth/Login.html", form, timeout=30).close()
                jar = next(handler.cookiejar for handler in opener.handlers if hasattr(handler, "cookiejar"))
                cookie = "; ".join(f"{item.name}={item.value}" for item in jar)
                if cookie:
                    break
            except OSError:
                time.sleep(0.2)
        assert cookie, "nobody could sign in"
        at = {"COOKIE": cookie, "WORDS": ",".join(COMMON)}
        search = "/Search/Results.html?Rows=50&OrderBy=id&Order=DESC&Query="
        report(
            "Request Tracker",
            "5",
            size,
            {
                "portal home": wrk(port, "pages", PATHS="/SelfService/", **at),
                "list page": wrk(port, "pages", PATHS=search + urllib.parse.quote("Status = '__Active__'"), **at),
                "ticket page": wrk(
                    port,
                    "pages",
                    PATHS="\n".join(f"/Ticket/Display.html?id={n}" for n in range(1, size, max(1, size // 500))),
                    **at,
                ),
                "search page, common word": wrk(
                    port, "pages", PATHS=search + urllib.parse.quote("Content LIKE 'printer'"), **at
                ),
            },
        )
    finally:
        if server:
            server.terminate()
            server.wait(30)
        cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
