"""Forms of annotation: they check fields and leave the rules to the domain functions."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordMixin
from django.utils.translation import gettext_lazy as _

from annotation.models import LONGEST_DESCRIPTION, Invitation, Membership, Project, User
from annotation.text.normal import check_name


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
        fields = ("name", "description", "overlap", "settle", "lease_minutes", "undecided", "confidence")
        widgets = {"description": forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_DESCRIPTION})}


class InvitationForm(forms.ModelForm):
    """Whom to invite, as what."""

    class Meta:
        model = Invitation
        fields = ("email", "role", "labels")


class MembershipForm(forms.ModelForm):
    """A member's role."""

    class Meta:
        model = Membership
        fields = ("role", "labels")


class AccountForm(PersonForm):
    """One's own name and e-mail."""

    class Meta:
        model = User
        fields = ("name", "email")


class TokenForm(forms.Form):
    """An API token and how long it lives."""

    days = forms.IntegerField(label=_("days until it ends"), min_value=1, max_value=3650, initial=90)
