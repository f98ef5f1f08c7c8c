"""Projects come to be, people come and go; a link works once, and a project always has a manager."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from annotation import inviting
from annotation import models as a
from tests.annotation.worlds import take
from tests.conftest import make_annotation, make_items, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def membership(project, user):
    return a.Membership.objects.get(project=project, user=user)


# Projects


def test_whoever_makes_a_project_manages_it(cast):
    project = inviting.create_project(name="  Stance of the Fed ", user=cast["eve"], overlap=3)
    assert (project.slug, project.name, project.overlap, project.created_by) == (
        "stance-of-the-fed",
        "Stance of the Fed",
        3,
        cast["eve"],
    )
    assert membership(project, cast["eve"]).role == "manager"
    assert project.guideline.text == ""


def test_a_chinese_name_gets_an_address_too(cast):
    assert inviting.create_project(name="情绪标注", user=cast["dave"]).slug.startswith("project-")


def test_a_taken_address_is_refused_where_it_was_asked_for_and_changed_where_not(cast):
    first = inviting.create_project(name="Stance", user=cast["dave"])
    second = inviting.create_project(name="Stance", user=cast["dave"])
    assert second.slug.startswith("stance-")
    assert second.slug != first.slug
    with pytest.raises(ValueError, match="“stance” is taken"):
        inviting.create_project(name="Other", slug="Stance", user=cast["dave"])
    with pytest.raises(ValueError, match="“new” is taken"):
        inviting.create_project(name="Other", slug="new", user=cast["dave"])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 121}, "name: "),
        ({"name": "Fine\x1b[31m"}, r"name: A name stands on one line .* U\+001B"),
        ({"name": "Fi\u202een"}, r"name: A name stands on one line .* U\+202E"),
        ({"description": "x" * 5001}, "description: A description has at most 5000 characters; this one has 5001"),
        ({"overlap": 0}, "overlap: "),
        ({"overlap": 21}, "overlap: "),
        ({"settle": "sometimes"}, "settle: "),
        ({"lease_minutes": 0}, "lease_minutes: "),
        ({"slug": "情绪"}, "needs letters a to z or digits"),
    ],
)
def test_a_project_that_cannot_be_is_refused_with_a_sentence(cast, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        inviting.create_project(**{"name": "Fine", "user": cast["dave"], **fields})
    assert not a.Project.objects.exists()


def test_a_project_may_be_nobodys(db):
    project = inviting.create_project(name="From the shell", user=None)
    assert not project.memberships.exists()


# Invitations


def test_an_invitation_works_once(project, cast):
    invitation, token = inviting.invite(project=project, by=cast["dave"], role="researcher", labels=True)
    assert token not in str(a.Invitation.objects.values_list().get(pk=invitation.pk))
    assert inviting.find(token) == invitation
    made = inviting.accept(invitation=invitation, user=cast["eve"])
    assert (made.role, made.labels, made.project) == ("researcher", True, project)
    assert inviting.find(token) is None
    with pytest.raises(ValueError, match="used or has run out"):
        inviting.accept(invitation=invitation, user=make_user("mallory"))
    assert not a.Membership.objects.filter(user__username="mallory").exists()


def test_an_invitation_runs_out_and_can_be_withdrawn(project, cast):
    invitation, token = inviting.invite(project=project, by=cast["dave"], role="annotator")
    assert timedelta(days=13) < invitation.expires_at - timezone.now() < timedelta(days=15)
    inviting.withdraw(invitation)
    assert inviting.find(token) is None
    with pytest.raises(ValueError, match="used or has run out"):
        inviting.accept(invitation=invitation, user=cast["eve"])


def test_a_withdrawal_does_not_touch_an_accepted_invitation(project, cast):
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator")
    inviting.accept(invitation=invitation, user=cast["eve"])
    before = a.Invitation.objects.get().expires_at
    inviting.withdraw(invitation)
    assert a.Invitation.objects.get().expires_at == before


def test_a_link_dies_with_the_role_of_its_maker_even_where_staff_took_the_membership_away(project, cast):
    inviting.change_role(membership=membership(project, cast["carol"]), role="manager", labels=False)
    invitation, token = inviting.invite(project=project, by=cast["carol"], role="manager")
    make_project(cast, slug="other").memberships.filter(user=cast["carol"]).update(role="manager")
    membership(project, cast["carol"]).delete()
    assert inviting.find(token) is None
    with pytest.raises(ValueError, match="used or has run out"):
        inviting.accept(invitation=invitation, user=cast["carol"])
    assert not project.memberships.filter(user=cast["carol"]).exists()


def test_a_wrong_token_finds_nothing(project, cast):
    inviting.invite(project=project, by=cast["dave"], role="annotator")
    for token in ("", "x", a.Invitation.objects.get().digest):
        assert inviting.find(token) is None


def test_a_member_who_opens_a_second_link_keeps_the_role(project, cast):
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="manager")
    assert inviting.accept(invitation=invitation, user=cast["alice"]).role == "annotator"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({"role": "owner"}, "no role “owner”"), ({"email": "not-an-address"}, "is no e-mail address")],
)
def test_an_invitation_that_cannot_be_is_refused(project, cast, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        inviting.invite(**{"project": project, "by": cast["dave"], "role": "annotator", **fields})


def test_the_link_is_mailed_where_there_is_an_address(project, cast):
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator", email="zoe@example.org")
    assert inviting.send(invitation, link="https://assay.example.org/join/abc/")
    [message] = mail.outbox
    assert message.to == ["zoe@example.org"]
    assert "https://assay.example.org/join/abc/" in message.body
    silent, _token = inviting.invite(project=project, by=cast["dave"], role="annotator")
    assert not inviting.send(silent, link="x")
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_away_is_no_error(project, cast, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator", email="zoe@example.org")
    assert not inviting.send(invitation, link="x")


# Roles


def test_the_last_manager_stays(project, cast):
    dave = membership(project, cast["dave"])
    with pytest.raises(ValueError, match="make someone else manager first"):
        inviting.remove(membership=dave)
    with pytest.raises(ValueError, match="make someone else manager first"):
        inviting.change_role(membership=dave, role="annotator", labels=False)
    inviting.change_role(membership=dave, role="manager", labels=True)
    assert membership(project, cast["dave"]).can_label
    inviting.change_role(membership=membership(project, cast["carol"]), role="manager", labels=False)
    inviting.remove(membership=dave)
    assert not a.Membership.objects.filter(user=cast["dave"]).exists()


def test_settings_are_checked_and_a_new_overlap_settles_by_the_rule_that_comes_with_it(cast):
    project = make_project(cast, overlap=3, settle="never")
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        make_annotation(item, cast[name], "positive")
    for changes, words in (
        ({"overlap": 0}, "overlap: "),
        ({"name": "", "overlap": 2}, "name: "),
        ({"settle": "coin"}, "settle: "),
        ({"slug": "elsewhere"}, "There is no setting “slug”"),
    ):
        with pytest.raises(ValueError, match=words):
            inviting.configure(project=project, **changes)
    assert not a.Gold.objects.exists()
    changed = inviting.configure(project=project, overlap=2, settle="unanimous", name="Mood")
    assert a.Gold.objects.get().value == "positive"
    project.refresh_from_db()
    assert (changed.name, project.name, project.overlap, project.settle) == ("Mood", "Mood", 2, "unanimous")
    assert item.assignments.count() == 2


def test_managers_of_other_projects_do_not_count(project, cast):
    make_project(cast, slug="other")
    with pytest.raises(ValueError, match="make someone else manager first"):
        inviting.remove(membership=membership(project, cast["dave"]))


def test_who_leaves_gives_back_what_they_held_and_keeps_what_they_gave(project, cast):
    make_items(project, 3)
    take(project, cast["alice"], count=2)
    a.Assignment.objects.filter(annotator=cast["alice"]).first()
    inviting.remove(membership=membership(project, cast["alice"]))
    assert not a.Assignment.objects.filter(annotator=cast["alice"]).exists()
    assert not a.Project.objects.visible_to(cast["alice"]).exists()


def test_who_may_no_longer_label_gives_back_what_they_held(project, cast):
    make_items(project, 3)
    take(project, cast["alice"], count=2)
    inviting.change_role(membership=membership(project, cast["alice"]), role="adjudicator", labels=True)
    assert a.Assignment.objects.filter(annotator=cast["alice"]).count() == 2
    inviting.change_role(membership=membership(project, cast["alice"]), role="adjudicator", labels=False)
    assert not a.Assignment.objects.filter(annotator=cast["alice"]).exists()
    with pytest.raises(ValueError, match="no role “owner”"):
        inviting.change_role(membership=membership(project, cast["alice"]), role="owner", labels=False)
