"""Reads: which tokens people have, what each is good for, and when it was last used; never a secret."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from knox.models import AuthToken

from annotation.models import User
from config.scopes import MANAGE

# So much of a digest tells a token apart.
SHORT = 16


def listed(user: User | None = None) -> QuerySet[AuthToken]:
    """The newest first: one person's, or everybody's."""
    rows: QuerySet[AuthToken] = AuthToken.objects.select_related("user", "terms__project").order_by("-created")
    return rows if user is None else rows.filter(user=user)


def found(short: str, user: User | None = None) -> AuthToken | None:
    """The token with this id, the beginning of its digest."""
    return listed(user).filter(digest__startswith=short).first() if len(short) == SHORT else None


def told(token: AuthToken) -> dict[str, Any]:
    """A token as pages, API and command tell it; one from before there were scopes does what its person may."""
    terms = getattr(token, "terms", None)
    return {
        "id": token.digest[:SHORT],
        "key": token.token_key[:8],
        "user": token.user.username,
        "name": terms.name if terms else "",
        "scopes": terms.scopes if terms else [MANAGE],
        "project": terms.project.slug if terms and terms.project else None,
        "created": token.created,
        "expires": token.expiry,
        "ended": token.expiry is not None and token.expiry <= timezone.now(),
        "used": terms.used_at if terms else None,
    }
