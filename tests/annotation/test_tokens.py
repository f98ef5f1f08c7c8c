"""Tokens: named, with scope and end; no more than their person, no more than their scope, at every endpoint and verb."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken

from annotation import granting
from annotation import models as a
from config import authentication
from config.scopes import SCOPES
from tests.conftest import make_project
from tests.test_permissions import ALL, VERBS, address, world

pytestmark = pytest.mark.django_db
API = [(name, pattern) for name, pattern in ALL if name.startswith("api-") and name != "api-docs"]
# Written down a second time, so that an endpoint which is opened by mistake is seen: what a token without `manage` may.
EVERYBODY = {("api-me", "get"), ("api-projects", "get"), ("api-project", "get"), ("api-guideline", "get")}
LABEL = {"api-label", "api-label-draft", "api-label-mine", "api-work", "api-qualification", "api-qualification-answer", "api-guideline-told"}  # fmt: skip
LABEL_TOO = {("api-threads", "get"), ("api-threads", "post"), ("api-thread", "get"), ("api-thread", "post")}
DATA = {
    *((name, verb) for name in ("api-imports", "api-import", "api-suggestions", "api-companies", "api-board-submissions", "api-exports", "api-exports-of-version", "api-export", "api-uploads", "api-upload", "api-upload-pairs") for verb in ("get", "post", "put", "delete")),
    *((name, verb) for name in ("api-import-refused", "api-export-file", "api-export-now") for verb in VERBS),
    ("api-versions", "get"), ("api-version", "get"), ("api-submission", "get"),
}  # fmt: skip
ONLY_DATA = {"api-import-refused", "api-export-file", "api-export-now"}


def opens(scope: str, name: str, verb: str) -> bool:
    if scope == "manage" or (name, verb) in EVERYBODY:
        return True
    if scope == "label":
        return name in LABEL or (name, verb) in LABEL_TOO
    if scope == "data":
        return (name, verb) in DATA
    return verb == "get" and name not in LABEL | ONLY_DATA


def token(user, *scopes, project=None, days=30):
    terms, secret = granting.grant(user=user, name="program", scopes=scopes, days=days, project=project)
    return terms, {"HTTP_AUTHORIZATION": f"Token {secret}"}


def refused(answer) -> bool:
    return answer.status_code == 403 and b"not good for that" in answer.content


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_at_every_endpoint_and_verb_a_token_does_no_more_than_its_scope(cast, scope, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"user": None}}
    there = world(cast, "first")
    client = Client(raise_request_exception=False)
    # eve is a stranger: what is let through ends in 404, and nothing of the world changes under the walk.
    _terms, header = token(cast["eve"], scope)
    for name, pattern in API:
        path = (
            reverse(name, args=[0])
            if name in ("api-move", "api-upload", "api-upload-pairs")
            else address(name, pattern, there, "first")
        )
        for verb in (*VERBS, "head"):
            call = getattr(client, verb)
            answer = call(path, **header) if verb in ("get", "head") else call(path, data="{}", content_type="application/json", **header)  # fmt: skip
            told = answer.status_code == 403 if verb == "head" else refused(answer)
            assert told == (not opens(scope, name, "get" if verb == "head" else verb)), (name, verb, answer.status_code)


def test_a_token_does_no_more_than_its_person_may(cast):
    make_project(cast)
    _terms, header = token(cast["alice"], *SCOPES)
    assert Client().get("/api/v1/projects/sentiment/progress/", **header).status_code == 403
    assert Client().get("/api/v1/projects/sentiment/label/", **header).status_code == 200


def test_a_token_for_one_project_opens_no_other_and_nothing_that_is_of_all(cast):
    first, second = make_project(cast, slug="first"), make_project(cast, slug="second")
    _terms, header = token(cast["dave"], "manage", project=first)
    codes = {path: Client().get(f"/api/v1/{path}", **header).status_code for path in ("me/", "projects/", "projects/first/", "projects/second/", "projects/second/items/")}  # fmt: skip
    assert codes == {"me/": 200, "projects/": 403, "projects/first/": 200, "projects/second/": 403, "projects/second/items/": 403}  # fmt: skip
    with pytest.raises(ValueError, match="no such project"):
        token(cast["eve"], "read", project=second)


def test_what_ended_or_was_revoked_is_told_in_a_sentence(cast):
    terms, header = token(cast["dave"], "read")
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    for _again in range(2):
        ended = Client().get("/api/v1/me/", **header)
        assert ended.status_code == 401
        assert "This token ended on" in ended.json()["error"]
    granting.revoke(token=terms.token)
    gone = Client().get("/api/v1/me/", **header)
    assert gone.status_code == 401
    assert "it was revoked, or it is not whole" in gone.json()["error"]
    for odd in ("zz", "é", "0" * 64):
        assert Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Token {odd}").status_code == 401


def test_a_closed_account_opens_nothing(cast):
    _terms, header = token(cast["dave"], "read")
    a.User.objects.filter(pk=cast["dave"].pk).update(is_active=False)
    assert Client().get("/api/v1/me/", **header).status_code == 401


def test_the_last_use_is_written_once_in_some_minutes(cast, django_assert_num_queries):
    terms, header = token(cast["dave"], "read")
    Client().get("/api/v1/me/", **header)
    first = a.TokenTerms.objects.get().used_at
    assert first is not None
    with django_assert_num_queries(1):
        Client().get("/api/v1/me/", **header)
    assert a.TokenTerms.objects.get().used_at == first
    a.TokenTerms.objects.update(used_at=first - authentication.NOTED - timedelta(seconds=1))
    Client().get("/api/v1/me/", **header)
    assert a.TokenTerms.objects.get().used_at >= first
    assert terms.used_at is None


def test_a_token_from_before_there_were_scopes_does_what_its_person_may(cast):
    make_project(cast)
    _row, secret = AuthToken.objects.create(user=cast["dave"], expiry=timedelta(days=1))
    header = {"HTTP_AUTHORIZATION": f"Token {secret}"}
    patched = Client().patch("/api/v1/projects/sentiment/", data='{"name": "New"}', content_type="application/json", **header)  # fmt: skip
    assert patched.status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "needs a name"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["read", "all"]}, "at least one scope"),
        ({"days": 0}, "1 to 365 days"),
        ({"days": 366}, "1 to 365 days"),
    ],
)
def test_a_token_that_cannot_be_is_refused(cast, changes, words):
    with pytest.raises(ValueError, match=words):
        granting.grant(**{"user": cast["dave"], "name": "x", "scopes": ["read"], **changes})
    assert not AuthToken.objects.exists()


def test_a_person_has_at_most_twenty_live_tokens_and_old_ended_ones_go(cast):
    for n in range(20):
        granting.grant(user=cast["dave"], name=f"t{n}", scopes=["read"])
    with pytest.raises(ValueError, match="20 tokens already"):
        granting.grant(user=cast["dave"], name="one more", scopes=["read"])
    AuthToken.objects.update(expiry=timezone.now() - granting.KEPT - timedelta(seconds=1))
    granting.grant(user=cast["dave"], name="one more", scopes=["read"])
    assert AuthToken.objects.count() == 1


def test_a_program_lists_and_ends_tokens_but_makes_none(cast):
    terms, header = token(cast["dave"], "manage")
    asked = json.dumps({"name": "wider", "scopes": ["manage"]})
    made = Client().post("/api/v1/me/tokens/", asked, content_type="application/json", **header)
    assert (made.status_code, AuthToken.objects.count()) == (403, 1)
    [row] = Client().get("/api/v1/me/tokens/", **header).json()
    assert (row["name"], row["scopes"], row["ended"]) == ("program", ["manage"], False)
    assert terms.token.digest not in json.dumps(row)
    assert Client().delete(f"/api/v1/me/tokens/{'0' * 16}/", **header).status_code == 404
    assert Client().delete(f"/api/v1/me/tokens/{row['id']}/", **header).status_code == 204
    assert not AuthToken.objects.exists()


def test_a_browser_makes_one_by_the_api_and_nobody_ends_anothers(cast):
    make_project(cast)
    dave, bob = Client(), Client()
    dave.force_login(cast["dave"])
    bob.force_login(cast["bob"])
    asked = {"name": "nightly", "scopes": ["data"], "project": "sentiment", "days": 7}
    made = dave.post("/api/v1/me/tokens/", json.dumps(asked), content_type="application/json")
    assert made.status_code == 201, made.content
    header = {"HTTP_AUTHORIZATION": f"Token {made.json()['token']}"}
    assert Client().get("/api/v1/projects/sentiment/imports/", **header).status_code == 200
    assert bob.delete(f"/api/v1/me/tokens/{made.json()['id']}/").status_code == 404
    asked["project"] = "nowhere"
    assert dave.post("/api/v1/me/tokens/", json.dumps(asked), content_type="application/json").status_code == 400


def test_the_account_shows_name_scope_end_and_last_use(cast):
    client = Client()
    client.force_login(cast["alice"])
    page = client.post(reverse("annotation:make_token"), {"name": "nightly", "scopes": ["read", "data"], "days": 30})
    assert "Copy it now" in page.content.decode()
    shown = client.get(reverse("annotation:account")).content.decode()
    assert "nightly" in shown
    assert "import and export" in shown
    wrong = client.post(reverse("annotation:make_token"), {"name": "", "scopes": [], "days": 400})
    assert wrong.status_code == 200
    assert AuthToken.objects.count() == 1


def test_the_command_lists_and_revokes(cast, capsys):
    terms, _header = token(cast["dave"], "read")
    token(cast["bob"], "label")
    call_command("tokens", "--user", "dave", "--json")
    [row] = json.loads(capsys.readouterr().out)
    assert (row["user"], row["scopes"]) == ("dave", ["read"])
    call_command("tokens")
    assert len(capsys.readouterr().out.splitlines()) == 2
    with pytest.raises(CommandError, match="no token"):
        call_command("tokens", "--user", "bob", "--revoke", row["id"])
    call_command("tokens", "--revoke", row["id"])
    assert not AuthToken.objects.filter(digest=terms.token_id).exists()
    with pytest.raises(CommandError, match="no user"):
        call_command("tokens", "--user", "nobody")


def test_staff_see_who_has_which_tokens_and_end_them_but_make_none(cast):
    boss = a.User.objects.create_superuser("boss", password="x" * 12)
    token(cast["dave"], "read")
    client = Client()
    client.force_login(boss)
    page = client.get("/admin/annotation/tokenterms/").content.decode()
    assert "program" in page
    assert "dave" in page
    assert client.get("/admin/annotation/tokenterms/add/").status_code == 403
    assert client.get("/admin/knox/authtoken/add/").status_code == 404
    chosen = {"action": "revoke", "_selected_action": [a.TokenTerms.objects.get().pk]}
    client.post("/admin/annotation/tokenterms/", chosen)
    assert not AuthToken.objects.exists()
