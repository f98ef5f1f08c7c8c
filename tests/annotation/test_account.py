"""Signing in and out, joining by a link, one's own password and API tokens."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
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


def test_who_has_used_a_link_is_led_to_the_project_by_it(link, client_of):
    _invitation, url = link
    client = client_of("eve")
    client.post(url)
    assert client.get(url).url == reverse("annotation:project", args=["sentiment"])
    assert client_of("bob").get(url).status_code == 404


def test_a_page_with_a_secret_offers_no_way_to_lose_it_and_its_address_leads_on(link, client_of):
    client = client_of("dave")
    invite, token = reverse("annotation:invite", args=["sentiment"]), reverse("annotation:make_token")
    for url, sent, after in (
        (invite, {"role": "annotator"}, "annotation:members"),
        (token, {"name": "x", "scopes": ["read"], "days": 30}, "annotation:account"),
    ):
        page = client.post(url, sent)
        assert page.status_code == 200
        assert b'name="language"' not in page.content
        assert client.get(url).url.startswith(reverse(after, args=["sentiment"] if "members" in after else []))


def test_the_address_of_a_button_opened_as_a_page_says_so(client_of):
    page = client_of("dave").get(reverse("annotation:sign_out"), headers={"accept": "text/html"})
    assert page.status_code == 405
    assert "Go back to the page with the form" in page.content.decode()
    assert "POST" in page["Allow"]


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


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice", "ａlice"])
def test_a_name_that_differs_in_capitals_only_is_refused_at_its_field(name, link, client_of):
    _invitation, url = link
    reply = client_of(None).post(url, {**NEW, "username": name})
    assert reply.status_code == 200
    assert list(reply.context["form"].errors) == ["username"]
    assert "A user with that username already exists." in reply.content.decode()
    assert a.User.objects.filter(username__iexact="alice").count() == 1
    assert a.Invitation.objects.get().accepted_at is None


def test_two_names_that_differ_in_capitals_only_are_refused_by_the_database_too(cast):
    with pytest.raises(IntegrityError), transaction.atomic():
        a.User.objects.create_user("ALICE")


# Signing in


def sign_in(client, name, password, *, next="", **headers):
    fields = {"username": name, "password": password, "next": next}
    return client.post(reverse("annotation:sign_in"), fields, **headers)


def test_signing_in_and_out(cast, client_of):
    client = client_of(None)
    assert sign_in(client, "alice", "wrong").status_code == 200
    assert sign_in(client, "alice", "alice-Pass-1234").status_code == 302
    assert client.get(reverse("annotation:account")).status_code == 200
    assert client.get(reverse("annotation:sign_out")).status_code == 405
    client.post(reverse("annotation:sign_out"))
    assert client.get(reverse("annotation:account")).status_code == 302


def test_a_name_longer_than_any_is_compared_by_its_beginning_alone(client_of):
    client = client_of(None)
    for place in range(10):
        assert sign_in(client, "x" * 151 + str(place) * 1000, "wrong").status_code == 200
    assert sign_in(client, "x" * 2000, "wrong").status_code == 429


def test_after_ten_wrong_tries_a_name_waits_and_others_do_not(cast, client_of):
    client = client_of(None)
    for _try in range(10):
        sign_in(client, "alice", "wrong")
    assert sign_in(client, "ALICE ", "alice-Pass-1234").status_code == 429
    assert sign_in(client, "bob", "bob-Pass-1234").status_code == 302


ONE_NAME = ["alice", "ALICE", "Alice", " alice ", "ａｌｉｃｅ", "ＡＬＩＣＥ", "aliⅽe", "\u2002alice", "alıce", "ALİCE"]


@pytest.mark.parametrize("spelling", ONE_NAME[:9])
def test_another_spelling_of_a_name_is_no_new_try(spelling, cast, client_of):
    client = client_of(None)
    for _try in range(10):
        sign_in(client, spelling, "wrong")
    assert sign_in(client, "alice", "alice-Pass-1234").status_code == 429
    assert client.get(reverse("annotation:account")).status_code == 302


def test_ten_tries_under_ten_spellings_are_ten_tries(cast, client_of):
    client = client_of(None)
    for spelling in [*ONE_NAME[:9], "alice"]:
        assert sign_in(client, spelling, "wrong").status_code == 200
    assert sign_in(client, "AlIcE", "alice-Pass-1234").status_code == 429


def test_who_tries_elsewhere_locks_nobody_out_before_two_hundred_tries(cast, client_of):
    client = client_of(None)
    for place in range(19):
        for _try in range(10):
            sign_in(client, "alice", "wrong", REMOTE_ADDR=f"10.0.0.{place}")
    assert sign_in(client_of(None), "alice", "alice-Pass-1234", REMOTE_ADDR="10.0.1.1").status_code == 302
    for _try in range(10):
        sign_in(client, "ALICE", "wrong", REMOTE_ADDR="10.0.0.99")
    assert sign_in(client, "alice", "alice-Pass-1234", REMOTE_ADDR="10.0.1.2").status_code == 429
    assert sign_in(client, "bob", "bob-Pass-1234", REMOTE_ADDR="10.0.0.99").status_code == 302


def test_a_right_password_is_no_try_and_the_header_of_a_proxy_is_no_new_address(cast, client_of):
    for _time in range(12):
        assert sign_in(client_of(None), "alice", "alice-Pass-1234").status_code == 302
    for place in range(10):
        sign_in(client_of(None), "alice", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{place}")
    assert sign_in(client_of(None), "alice", "alice-Pass-1234", HTTP_X_FORWARDED_FOR="10.9.9.9").status_code == 429


@pytest.mark.parametrize("name", ["", "\x00", "a\x00b", "x" * 100_000, "\ud800".encode("utf-8", "surrogatepass"), "%"])
def test_a_name_that_cannot_be_is_refused_without_an_error(name, cast, client_of):
    assert sign_in(client_of(None), name, "wrong").status_code == 200


def test_the_admins_own_door_leads_to_the_one_with_the_limit(cast, client_of):
    cast["dave"].is_staff = cast["dave"].is_superuser = True
    cast["dave"].save()
    client = client_of(None)
    for method in ("get", "post"):
        reply = getattr(client, method)(
            "/admin/login/?next=/admin/", {"username": "dave", "password": "dave-Pass-1234"}
        )
        assert (reply.status_code, reply["Location"].partition("?")[0]) == (302, reverse("annotation:sign_in"))
    for path in ("/admin/", "/admin/annotation/user/", "/admin/login"):
        client.post(path, {"username": "dave", "password": "dave-Pass-1234", "this_is_the_login_form": "1"})
    assert "_auth_user_id" not in client.session
    assert sign_in(client, "dave", "dave-Pass-1234", next="/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("spelling", ["ALICE", "Alice", " alice "])
def test_capitals_and_blanks_do_not_matter_at_the_door_but_the_password_does(spelling, cast, client_of):
    client = client_of(None)
    assert sign_in(client, spelling, "ALICE-PASS-1234").status_code == 200
    assert sign_in(client, spelling, "alice-Pass-1234").status_code == 302
    assert client.get(reverse("annotation:account")).wsgi_request.user == cast["alice"]


def test_behind_the_proxy_tries_are_counted_by_the_address_it_names(cast, client_of, settings):
    settings.HTTPS, settings.SECURE_SSL_REDIRECT = True, False
    client = client_of(None)
    for _try in range(10):
        sign_in(client, "alice", "wrong", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9")
    assert sign_in(client, "alice", "alice-Pass-1234", HTTP_X_FORWARDED_FOR="1.2.3.4, 203.0.113.9").status_code == 429
    assert (
        sign_in(client, "alice", "alice-Pass-1234", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7").status_code == 302
    )


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
    page = client.post(reverse("annotation:make_token"), {"name": "x", "scopes": ["read"], "days": 30})
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
    assert (
        client_of("alice")
        .post(reverse("annotation:make_token"), {"name": "x", "scopes": ["read"], "days": 0})
        .status_code
        == 200
    )
    assert not AuthToken.objects.exists()
