"""How large a request may be, before any of it is read."""

import http.client
import io
import os
import socket
import subprocess
import sys
import time

import pytest
from django.test import Client

from config.limits import DRAINED
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db


def post(client, path, size, **headers):
    return client.generic(
        "POST", path, b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(size), **headers
    )


def test_a_stranger_cannot_send_more_than_a_form(settings, client_of):
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies["csrftoken"] = "x" * 32
    reply = post(stranger, "/sign-in/", limit + 1)
    assert reply.status_code == 413
    assert "larger than the 5 MB" in reply.content.decode()


def test_nobody_sends_more_than_an_upload(settings, cast, client_of):
    settings.UPLOAD_LIMIT = 10 * 2**20
    assert post(client_of("dave"), "/account/", 12 * 2**20).status_code == 413
    reply = post(client_of("dave"), "/api/v1/projects/", 12 * 2**20)
    assert (reply.status_code, list(reply.json())) == (413, ["error"])


def test_pages_and_answers_are_kept_by_no_cache(cast, client_of):
    assert "no-store" in client_of("dave").get("/account/password/")["Cache-Control"]
    assert "no-store" in client_of("dave").get("/api/v1/me/")["Cache-Control"]


def test_a_small_body_passes(cast, client_of):
    client = client_of("dave")
    assert client.post("/account/", {"name": "Dave", "email": ""}).status_code in (200, 302)
    assert client.post("/account/", data=io.BytesIO(b"x"), content_type="text/plain").status_code == 200


# A body that nobody wanted


def send(path, body, **headers):
    """The reply to a stranger, and how much of the body was read."""
    sent = io.BytesIO(body)
    given = {"wsgi.input": sent, "SERVER_SOFTWARE": "Granian", "CONTENT_LENGTH": str(len(body)), **headers}
    reply = Client().generic("POST", path, b"", content_type="application/json", **given)
    return reply, sent.tell()


@pytest.mark.parametrize("path", ["/nowhere/", "/api/v1/nowhere/", "/api/v1/projects/sentiment/"])
def test_a_small_body_that_nobody_wanted_is_read_and_the_connection_stays(path):
    for size in (0, 70_000, DRAINED):
        reply, read = send(path, b"x" * size)
        assert (read, "Connection" in reply) == (size, False)


@pytest.mark.parametrize("path", ["/nowhere/", "/api/v1/nowhere/", "/api/v1/projects/sentiment/"])
def test_a_large_body_that_nobody_wanted_stays_unread_and_the_end_of_the_connection_is_said(path):
    reply, read = send(path, b"x" * (DRAINED + 1))
    assert reply.status_code in (401, 404)
    assert (read, reply["Connection"]) == (0, "close")
    assert send(path, b"x", HTTP_TRANSFER_ENCODING="chunked")[0]["Connection"] == "close"
    assert "Connection" not in send(path, b"x" * (DRAINED + 1), SERVER_SOFTWARE="WSGIServer/0.2")[0]


def test_a_large_body_that_was_read_ends_no_connection(cast, client_of):
    words = {"name": "Dave", "email": "", "note": "x" * 2 * DRAINED}
    reply = client_of("dave").post("/account/", words, SERVER_SOFTWARE="Granian")
    assert reply.status_code == 302
    assert "Connection" not in reply


@pytest.fixture
def granian(tmp_path):
    """The port of a web server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    given = {"DJANGO_SETTINGS_MODULE": "tests.settings", "ASSAY_TEST_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--no-ws", "config.wsgi:application"],
        cwd=ROOT,
        env={**os.environ, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


def connected(port):
    """A connection to it, once it answers."""
    for _try in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise AssertionError("the server does not answer")


def test_the_next_request_on_a_connection_is_answered_or_its_end_was_said(granian):
    connection = connected(granian)
    for size in (60_000, DRAINED):
        connection.request("POST", "/nowhere/", b"x" * size)
        reply = connection.getresponse()
        assert (reply.status, reply.getheader("Connection")) == (404, None)
        reply.read()
        assert connection.sock is not None
        time.sleep(0.2)  # were it closed, it would be by now
    connection.request("GET", "/nowhere/")
    reply = connection.getresponse()
    assert reply.status == 404
    reply.read()
    # None of the body follows: a reply must not wait for it.
    connection.request("POST", "/nowhere/", headers={"Content-Length": str(DRAINED + 1)})
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("Connection")) == (404, "close")
