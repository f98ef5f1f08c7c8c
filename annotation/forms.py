"""Forms of annotation: they check fields and leave the rules to the domain functions."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordMixin
from django.utils.translation import gettext_lazy as _

from annotation.models import LONGEST_DESCRIPTION, Invitation, Membership, Project, User
from annotation.text.normal import check_name
from config.scopes import SCOPES


class SignInForm(AuthenticationForm):
    """User name and password; the browser may fill both."""

    error_messages = {
        "invalid_login": _("User name and password do not match. Passwords tell small from capital letters."),
        "inactive": _("This account is closed."),
    }


class PersonForm(forms.ModelForm):
    """Someone's own name, as others will read it beside answers and boards."""

    def clean_name(self) -> str:
        """A name without signs that nobody sees, said at its field."""
        try:
            return check_name(self.cleaned_data["name"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class JoinForm(SetPasswordMixin, PersonForm):
    """The account that an invitation makes."""

    password1, password2 = SetPasswordMixin.create_password_fields()

    class Meta:
        model = User
        fields = ("username", "name", "email")

    def clean_username(self) -> str:
        """A name that no other name equals but for case, said at its field."""
        # As it will be stored: full-width letters are no other name.
        name = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(User._meta.get_field("username").error_messages["unique"])
        return name

    def clean(self) -> dict[str, Any]:
        """Both passwords equal."""
        self.validate_passwords()
        return super().clean() or self.cleaned_data

    def _post_clean(self) -> None:
        """The password strong enough, also beside the name and address that the account has only by now."""
        super()._post_clean()
        self.validate_password_for_user(self.instance)

    def save(self, commit: bool = True) -> User:
        """The user with a hashed password."""
        user = super().save(commit=False)
        return self.set_password_and_save(user, commit=commit)


class ProjectForm(forms.ModelForm):
    """A new project, or its settings."""

    class Meta:
        model = Project
        fields = ("name", "slug", "description", "overlap", "settle", "lease_minutes")
        widgets = {"description": forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_DESCRIPTION})}


class ProjectSettingsForm(forms.ModelForm):
    """What a manager may change later; the address stays."""

    class Meta:
        model = Project
        fields = ("name", "description", "overlap", "overlap_rules", "overlap_most", "settle", "agreed_percent", "second_percent", "discussion_names", "lease_minutes", "undecided", "confidence",
                  "suggestions", "suggest_undivided", "suggestion_control", "control_share", "again_share", "again_days")  # fmt: skip
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_DESCRIPTION}),
            "overlap_rules": forms.Textarea(attrs={"rows": 3}),
        }


class InvitationForm(forms.ModelForm):
    """Whom to invite, as what."""

    class Meta:
        model = Invitation
        fields = ("email", "role", "labels")


class MembershipForm(forms.ModelForm):
    """A member's role."""

    class Meta:
        model = Membership
        fields = ("role", "labels", "daily_limit")
        widgets = {"daily_limit": forms.NumberInput(attrs={"class": "number", "min": 1})}


class AccountForm(PersonForm):
    """One's own name and e-mail."""

    class Meta:
        model = User
        fields = ("name", "email")


class TokenForm(forms.Form):
    """An API token: what it is called, what it is good for, and how long it lives."""

    name = forms.CharField(label=_("name"), max_length=60, help_text=_("What it is for, such as “nightly export”."))
    scopes = forms.MultipleChoiceField(
        label=_("good for"),
        choices=list(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A program gets no more than it needs, and never more than you may do."),
    )
    project = forms.ModelChoiceField(
        label=_("project"), queryset=Project.objects.none(), required=False, empty_label=_("all of mine")
    )
    days = forms.IntegerField(label=_("days until it ends"), min_value=1, max_value=365, initial=90)

    def __init__(self, data: Any = None, *, user: Any) -> None:
        # Its page has a form for the account, too, with a name of its own.
        super().__init__(data, auto_id="token_%s")
        self.fields["project"].queryset = Project.objects.visible_to(user)  # type: ignore[attr-defined]


class BatchForm(forms.Form):
    """Which items to assign, to whom, until when."""

    WHAT = (
        ("all", _("all items of the filter")),
        ("draw", _("some of them that are open, drawn at random")),
        ("ids", _("the items with these ids")),
    )
    SHARING = (
        ("each", _("every item for each of these people")),
        ("divided", _("every item for one of these people, divided evenly")),
    )

    name = forms.CharField(label=_("name"), max_length=120)
    people = forms.MultipleChoiceField(label=_("for whom"), widget=forms.CheckboxSelectMultiple)
    what = forms.ChoiceField(label=_("which items"), choices=WHAT, initial="all", widget=forms.RadioSelect)
    count = forms.IntegerField(label=_("how many, where they are drawn"), min_value=1, max_value=20_000, required=False)
    ids = forms.CharField(
        label=_("ids"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The ids that the items came in with, one a line."),
    )
    sharing = forms.ChoiceField(label=_("how"), choices=SHARING, initial="each", widget=forms.RadioSelect)
    extra = forms.BooleanField(
        label=_("extra answers where an item has no place left"),
        required=False,
        help_text=_("More answers than the overlap asks for; they cost what any answer costs."),
    )
    note = forms.CharField(
        label=_("what these people are to know"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("They read it above every item of the batch."),
    )
    due_at = forms.DateTimeField(
        label=_("due"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )  # fmt: skip

    def __init__(self, data: Any = None, *, people: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["people"].choices = people  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What the choice of items needs."""
        given = super().clean() or self.cleaned_data
        for what, name in (("draw", "count"), ("ids", "ids")):
            if given.get("what") == what and not given.get(name):
                self.add_error(name, _("Fill this in, or choose the items in another way."))
        return given


class BatchChangeForm(forms.Form):
    """Another name, note or due date of a batch."""

    name = forms.CharField(label=_("name"), max_length=120)
    note = forms.CharField(
        label=_("what these people are to know"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )  # fmt: skip
    due_at = forms.DateTimeField(
        label=_("due"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )  # fmt: skip


class RestrictForm(forms.Form):
    """What a person labels."""

    languages = forms.CharField(
        label=_("languages"),
        required=False,
        max_length=1000,
        help_text=_("Such as en, zh; empty: all. Script and country do not matter."),
    )
    skills = forms.CharField(
        label=_("source types"), required=False, max_length=1000, help_text=_("Such as news, report; empty: all.")
    )


class QualificationForm(forms.ModelForm):
    """Who has to pass what before they label."""

    class Meta:
        model = Project
        fields = ("qualification", "pass_mark", "pass_least", "attempts")
