#!/usr/bin/env python3
"""django-helpdesk on this machine: installed from PyPI, filled with tickets like ours, asked as our desk is. Usage: helpdesk.py TICKETS"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from peer import COMMON, Cluster, environment, free_port, report, skip, tickets, wrk

SETTINGS = """
import os
SECRET_KEY = "bench"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages", "django.contrib.sites",
    "django.contrib.humanize", "django.contrib.staticfiles", "helpdesk", "rest_framework"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth", "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PEER_NAME"], "USER": "usher", "HOST": "127.0.0.1", "PORT": os.environ["PEER_PORT"], "CONN_MAX_AGE": 600}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SITE_ID = 1
STATIC_URL = "/static/"
LOGIN_URL = "/login/"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_ACTIVATE_API_ENDPOINT = True
USE_TZ = True
"""
URLS = "from django.urls import include, path\nfrom django.contrib import admin\nurlpatterns = [path('admin/', admin.site.urls), path('', include('helpdesk.urls', namespace='helpdesk'))]\n"
FILL = """
import sys, json, django
django.setup()
from django.contrib.auth.models import User
from django.utils import timezone
from helpdesk.models import FollowUp, Queue, Ticket
user = User.objects.create_superuser("bench", "bench@peer.example", "bench")
queue = Queue.objects.create(title="Support", slug="support", allow_public_submission=True)
from django.contrib.sessions.backends.db import SessionStore
session = SessionStore()
session["_auth_user_id"], session["_auth_user_backend"], session["_auth_user_hash"] = str(user.pk), "django.contrib.auth.backends.ModelBackend", user.get_session_auth_hash()
session.create()
rows = [json.loads(line) for line in sys.stdin]
for start in range(0, len(rows), 1000):
    part = [Ticket(title=subject, queue=queue, submitter_email=address, description=texts[0], status=1 if n % 33 == 0 else 4, created=timezone.now(), secret_key=f"k{start + n}") for n, (subject, address, texts) in enumerate(rows[start:start + 1000])]
    made = Ticket.objects.bulk_create(part)
    FollowUp.objects.bulk_create([FollowUp(ticket=ticket, date=timezone.now(), title="Comment", comment=text, public=True) for ticket, (_, _, texts) in zip(made, rows[start:start + 1000]) for text in texts[1:]])
print(session.session_key)
"""


def main():
    size = int(sys.argv[1])
    python = environment("django-helpdesk==2.6.1", "gunicorn", "psycopg2-binary")
    if python is None:
        skip("django-helpdesk", "PyPI does not have it here")
    cluster = Cluster(durable=True)
    server = None
    try:
        cluster.create("helpdesk")
        for name, text in [("settings.py", SETTINGS), ("urls.py", URLS), ("fill.py", FILL)]:
            (python / name).write_text(text)
        port = free_port()
        variables = {
            **os.environ,
            "PYTHONPATH": str(python),
            "DJANGO_SETTINGS_MODULE": "settings",
            "PEER_NAME": "helpdesk",
            "PEER_PORT": str(cluster.port),
        }
        subprocess.run([str(python / "bin/django-admin"), "migrate", "-v0"], env=variables, check=True)
        rows = "\n".join(json.dumps(ticket) for ticket in tickets(size))
        session = (
            subprocess.run(
                [str(python / "bin/python"), "fill.py"],
                cwd=python,
                env=variables,
                input=rows,
                check=True,
                capture_output=True,
                text=True,
            )
            .stdout.strip()
            .splitlines()[-1]
        )
        cluster.sql("helpdesk", "ANALYZE")
        server = subprocess.Popen(
            [
                str(python / "bin/gunicorn"),
                "-w",
                "4",
                "-b",
                f"127.0.0.1:{port}",
                "--log-level",
                "error",
                "django.core.wsgi:get_wsgi_application()",
            ],
            cwd=python,
            env=variables,
        )
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        at = {"COOKIE": f"sessionid={session}", "WORDS": ",".join(COMMON), "COUNT": size}
        report(
            "django-helpdesk",
            "2.6.1",
            size,
            {
                "portal home": wrk(port, "pages", PATHS="/"),
                "list page": wrk(port, "pages", PATHS="/tickets/", **at),
                "ticket page": wrk(
                    port, "pages", PATHS="\n".join(f"/tickets/{n}/" for n in range(1, size, max(1, size // 500))), **at
                ),
            },
        )
    finally:
        if server:
            server.terminate()
            server.wait(30)
        cluster.stop("immediate")
        shutil.rmtree(python, ignore_errors=True)


if __name__ == "__main__":
    main()
