"""Forms check fields; what a person may not set is not in them."""

import pytest

from annotation.forms import (
    AccountForm,
    InvitationForm,
    JoinForm,
    MembershipForm,
    ProjectForm,
    ProjectSettingsForm,
    TokenForm,
)
from annotation.models import User

pytestmark = pytest.mark.django_db
JOIN = {
    "username": "zoe",
    "name": "佐伊",
    "email": "zoe@example.org",
    "password1": "lake-Michigan-7",
    "password2": "lake-Michigan-7",
}


def test_joining_makes_an_account_with_a_hashed_password_and_no_rights():
    form = JoinForm({**JOIN, "is_staff": "on", "is_superuser": "on", "imported_for": "1"})
    assert form.is_valid(), form.errors
    user = form.save()
    assert user.check_password("lake-Michigan-7")
    assert (user.name, user.is_staff, user.is_superuser, user.imported_for) == ("佐伊", False, False, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password2": "other-Michigan-7"}, "password2"),
        ({"password1": "short", "password2": "short"}, "password2"),
        ({"password1": "1234567890", "password2": "1234567890"}, "password2"),
        ({"password1": "zoe@example.org", "password2": "zoe@example.org"}, "password2"),
        ({"username": ""}, "username"),
        ({"username": "not a name!"}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"name": "Z\u202eoe"}, "name"),
        ({"name": "Z\x07oe"}, "name"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_field(changes, field):
    form = JoinForm({**JOIN, **changes})
    assert not form.is_valid()
    assert field in form.errors


def test_a_taken_name_is_refused():
    User.objects.create_user("zoe")
    assert "username" in JoinForm(JOIN).errors


def test_the_forms_hold_no_field_of_the_servers():
    fields = {
        form.__name__: set(form().fields)
        for form in (ProjectForm, ProjectSettingsForm, InvitationForm, MembershipForm, AccountForm)
    }
    assert fields["ProjectSettingsForm"] == {
        "name", "description", "overlap", "overlap_rules", "overlap_most", "settle", "agreed_percent", "second_percent",
        "discussion_names", "lease_minutes", "undecided",
        "confidence", "suggestions", "suggest_undivided", "suggestion_control", "control_share", "again_share", "again_days",
    }  # fmt: skip
    # What few projects want is set afterwards.
    assert fields["ProjectForm"] == {"name", "slug", "description", "overlap", "settle", "lease_minutes"}
    assert fields["InvitationForm"] == {"email", "role", "labels"}
    assert fields["MembershipForm"] == {"role", "labels", "daily_limit"}
    assert fields["AccountForm"] == {"name", "email"}


SETTINGS = {
    "name": "P", "overlap": 2, "overlap_most": 0, "settle": "unanimous", "lease_minutes": 30, "confidence": "none",
    "suggestions": "never", "suggestion_control": 20, "agreed_percent": 0, "second_percent": 0, "control_share": 0, "again_share": 0, "again_days": 7,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"overlap": 0},
        {"overlap_most": 21},
        {"overlap_rules": "x" * 4001},
        {"suggestions": "x"},
        {"suggestion_control": 91},
        {"agreed_percent": 101},
        {"second_percent": 101},
        {"overlap": 21},
        {"lease_minutes": 0},
        {"lease_minutes": 1441},
        {"settle": "x"},
        {"name": ""},
        {"name": "P\u202e"},
        {"description": "x" * 5001},
    ],
)
def test_settings_out_of_range_are_refused(changes):
    data = SETTINGS
    assert ProjectSettingsForm(data).is_valid()
    assert set(ProjectSettingsForm({**data, **changes}).errors) == set(changes)


def test_a_description_is_as_long_as_a_browser_counts_it():
    data = SETTINGS
    assert ProjectSettingsForm({**data, "description": "x\r\n" * 2500}).is_valid()
    refused = ProjectSettingsForm({**data, "description": "x\r\n" * 2500 + "x"})
    assert "this one has 5001" in refused.errors["description"][0]


def test_ones_own_name_has_no_sign_that_nobody_sees():
    form = AccountForm({"name": "Zoe\u2067", "email": ""}, instance=User(username="zoe"))
    assert "U+2067" in form.errors["name"][0]
    assert AccountForm({"name": "Zoë 佐伊", "email": ""}, instance=User(username="zoe")).is_valid()


@pytest.mark.parametrize("days", [0, 366, "x", ""])
def test_a_token_lives_from_a_day_to_a_year(days):
    user = User.objects.create_user("zoe")
    given = {"name": "nightly", "scopes": ["read"]}
    assert TokenForm({**given, "days": 90}, user=user).is_valid()
    assert not TokenForm({**given, "days": days}, user=user).is_valid()
