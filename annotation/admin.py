"""Django admin for staff: accounts and memberships; labels, gold and versions are changed through the product alone."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from annotation.models import Membership, Project, User


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
