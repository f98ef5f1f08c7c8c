"""Django admin for staff: accounts and memberships; labels, gold and versions are changed through the product alone."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from annotation import granting
from annotation.models import Membership, Project, TokenTerms, User


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """Accounts: make, close, reset a password, give the right to create projects."""

    list_display = ("username", "name", "email", "is_active", "is_staff", "imported_for")


class MembershipInline(admin.TabularInline):
    """The members of a project."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    """Projects and who is in them."""

    list_display = ("name", "slug", "overlap", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "description", "settle", "lease_minutes")
    inlines = (MembershipInline,)

    def has_add_permission(self, request: object) -> bool:
        """Projects are made on the product's page, with a guideline and a manager."""
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        """Frozen versions belong to projects and are never deleted."""
        return False


# There anybody of the staff could make a token in another's name.
admin.site.unregister(AuthToken)


@admin.register(TokenTerms)
class TokenAdmin(admin.ModelAdmin):
    """Who has which tokens; the secrets are stored nowhere. They are ended here, and made by their person alone."""

    list_display = ("person", "name", "scopes", "project", "ends", "used_at")
    list_select_related = ("token__user", "project")
    search_fields = ("token__user__username", "name")
    actions = ("revoke",)

    @admin.display(description=_("person"), ordering="token__user__username")
    def person(self, row: TokenTerms) -> str:
        """Whose it is."""
        return str(row.token.user.username)

    @admin.display(description=_("ends"), ordering="token__expiry")
    def ends(self, row: TokenTerms) -> Any:
        """When it ends by itself."""
        return row.token.expiry

    @admin.action(description=_("Revoke the chosen tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[TokenTerms]) -> None:
        """End them at once."""
        for row in queryset.select_related("token"):
            granting.revoke(token=row.token)

    def has_add_permission(self, request: object) -> bool:
        """Made on one's own account page."""
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """Terms do not change."""
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        """Without its terms a token would be good for more."""
        return False
