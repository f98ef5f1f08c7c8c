"""Who is asking: strangers find nothing, members without the right are refused."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse

from annotation import models as a
from annotation.access import RIGHTS, member, membership_of
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
MAY = {
    "alice": {"member", "label", "calibrate"},
    "carol": {"member", "adjudicate", "boards", "calibrate"},
    "dave": {"member", "manager", "adjudicate", "research", "boards", "calibrate"},
    "erin": {"member", "research", "boards"},
}


@pytest.mark.parametrize("name", list(MAY))
def test_each_role_has_its_rights_and_no_others(cast, name):
    make_project(cast)
    allowed = set()
    for right in RIGHTS:
        try:
            assert membership_of(cast[name], "sentiment", right).user == cast[name]
            allowed.add(right)
        except PermissionDenied:
            pass
    assert allowed == MAY[name]


def test_a_manager_who_also_labels_gets_items(cast):
    project = make_project(cast)
    a.Membership.objects.filter(user=cast["dave"]).update(labels=True)
    assert membership_of(cast["dave"], project.slug, "label")


def test_strangers_and_unknown_projects_look_the_same(cast):
    make_project(cast)
    for user, slug in ((cast["eve"], "sentiment"), (cast["dave"], "nope"), (AnonymousUser(), "sentiment")):
        with pytest.raises(Http404):
            membership_of(user, slug)


def test_the_gate_sends_the_signed_out_to_sign_in_and_gives_the_view_the_membership(cast, rf):
    make_project(cast)

    @member("manager")
    def view(request, membership, pk):
        return HttpResponse(f"{membership.project.slug} {pk}")

    request = rf.get("/")
    request.user = AnonymousUser()
    assert view(request, "sentiment", pk=3).status_code == 302
    request.user = cast["dave"]
    assert view(request, "sentiment", pk=3).content == b"sentiment 3"
    request.user = cast["alice"]
    with pytest.raises(PermissionDenied):
        view(request, "sentiment", pk=3)


def test_the_membership_comes_with_project_and_version_in_one_query(cast, django_assert_num_queries):
    make_project(cast)
    with django_assert_num_queries(1):
        found = membership_of(cast["alice"], "sentiment")
        assert found.project.version.number == 1
        assert found.user.username == "alice"
