"""Signing in and out, joining by a link, one's own password and API tokens."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from annotation import inviting
from annotation import models as a
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
NEW = {
    "username": "zoe",
    "name": "佐伊",
    "email": "zoe@example.org",
    "password1": "lake-Michigan-7",
    "password2": "lake-Michigan-7",
}


@pytest.fixture
def link(cast):
    """An invitation and its address."""
    invitation, token = inviting.invite(
        project=make_project(cast), by=cast["dave"], role="annotator", email="zoe@example.org"
    )
    return invitation, reverse("annotation:join", args=[token])


@pytest.fixture(autouse=True)
def _no_tries_before():
    cache.clear()


# Joining


def test_a_link_is_the_way_to_an_account(link, client_of):
    _invitation, url = link
    client = client_of(None)
    assert b"zoe@example.org" in client.get(url).content
    assert client.post(url, NEW).status_code == 302
    user = a.User.objects.get(username="zoe")
    assert a.Membership.objects.get(user=user).role == "annotator"
    assert client.get(reverse("annotation:project", args=["sentiment"])).status_code == 200
    assert client_of(None).get(url).status_code == 404


def test_who_has_an_account_joins_with_it_by_a_button(link, cast, client_of):
    _invitation, url = link
    client = client_of("eve")
    assert client.get(url).status_code == 200
    assert not a.Membership.objects.filter(user=cast["eve"]).exists()
    assert client.post(url).status_code == 302
    assert a.Membership.objects.get(user=cast["eve"]).role == "annotator"


def test_a_link_that_is_unknown_used_or_old_says_so(link, client_of):
    _invitation, url = link
    assert client_of(None).get(reverse("annotation:join", args=["x" * 43])).status_code == 404
    a.Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for method in ("get", "post"):
        assert getattr(client_of(None), method)(url, NEW).status_code == 404
    assert not a.User.objects.filter(username="zoe").exists()


@pytest.mark.parametrize("name", [None, "eve"])
def test_of_two_who_use_a_link_at_once_the_second_gets_neither_account_nor_error(
    link, cast, client_of, monkeypatch, name
):
    invitation, url = link
    inviting.accept(invitation=invitation, user=cast["erin"])
    monkeypatch.setattr(inviting, "find", lambda token: invitation)
    assert client_of(name).post(url, NEW).status_code == 404
    assert not a.User.objects.filter(username="zoe").exists()
    assert not a.Membership.objects.filter(user=cast["eve"]).exists()


def test_a_refused_form_keeps_what_was_typed(link, client_of):
    _invitation, url = link
    reply = client_of(None).post(url, {**NEW, "password2": "other"})
    assert reply.status_code == 200
    assert "佐伊" in reply.content.decode()
    assert "lake-Michigan-7" not in reply.content.decode()
    assert not a.User.objects.filter(username="zoe").exists()


# Signing in


def sign_in(client, name, password, **extra):
    return client.post(reverse("annotation:sign_in"), {"username": name, "password": password, **extra})


def test_signing_in_and_out(cast, client_of):
    client = client_of(None)
    assert sign_in(client, "alice", "wrong").status_code == 200
    assert sign_in(client, "alice", "alice-Pass-1234").status_code == 302
    assert client.get(reverse("annotation:account")).status_code == 200
    assert client.get(reverse("annotation:sign_out")).status_code == 405
    client.post(reverse("annotation:sign_out"))
    assert client.get(reverse("annotation:account")).status_code == 302


def test_after_ten_wrong_tries_a_name_waits_and_others_do_not(cast, client_of):
    client = client_of(None)
    for _try in range(10):
        sign_in(client, "alice", "wrong")
    assert sign_in(client, "ALICE ", "alice-Pass-1234").status_code == 429
    assert sign_in(client, "bob", "bob-Pass-1234").status_code == 302


def test_signing_in_leads_nowhere_else(cast, client_of):
    reply = sign_in(client_of(None), "alice", "alice-Pass-1234", next="https://evil.example/")
    assert reply["Location"] == reverse("annotation:projects")


def test_an_imported_annotator_cannot_sign_in(cast, client_of):
    project = make_project(cast)
    user = a.User.objects.create_user("import-1", password="known-Pass-1234", imported_for=project, is_active=False)
    assert sign_in(client_of(None), user.username, "known-Pass-1234").status_code == 200


# One's own account


def test_one_changes_ones_own_name_only(cast, client_of):
    client_of("alice").post(
        reverse("annotation:account"),
        {"name": "爱丽丝", "email": "a@example.org", "is_staff": "on", "username": "root"},
    )
    cast["alice"].refresh_from_db()
    assert (cast["alice"].name, cast["alice"].username, cast["alice"].is_staff) == ("爱丽丝", "alice", False)


def test_a_new_password_ends_other_sessions(cast, client_of):
    here, there = client_of("alice"), client_of("alice")
    passwords = {
        "old_password": "alice-Pass-1234",
        "new_password1": "lake-Michigan-7",
        "new_password2": "lake-Michigan-7",
    }
    assert here.post(reverse("annotation:password"), passwords).status_code == 302
    assert here.get(reverse("annotation:account")).status_code == 200
    assert there.get(reverse("annotation:account")).status_code == 302


def test_a_token_is_shown_once_stored_as_a_digest_and_revoked_by_its_owner(cast, client_of):
    client = client_of("alice")
    page = client.post(reverse("annotation:make_token"), {"days": 30})
    [row] = AuthToken.objects.all()
    token = next(found for found in re.findall(r"[0-9a-f]{64}", page.content.decode()) if found != row.digest)
    assert token not in client.get(reverse("annotation:account")).content.decode()
    header = {"HTTP_AUTHORIZATION": f"Token {token}"}
    assert client_of(None).get("/api/v1/me/", **header).json()["username"] == "alice"
    revoke = reverse("annotation:revoke_token", args=[row.digest[:16]])
    assert client_of("bob").post(revoke).status_code == 404
    assert client.post(revoke).status_code == 302
    assert client_of(None).get("/api/v1/me/", **header).status_code == 401


def test_a_token_needs_a_sensible_life(cast, client_of):
    assert client_of("alice").post(reverse("annotation:make_token"), {"days": 0}).status_code == 200
    assert not AuthToken.objects.exists()
