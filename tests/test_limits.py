"""How large a request may be, before any of it is read."""

import io

import pytest
from django.test import Client

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
