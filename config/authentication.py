"""How API callers prove who they are: a token in the header (sessions come from Django), and what a token is good for."""

import binascii
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import get_token_model
from knox.settings import CONSTANTS
from rest_framework import exceptions
from rest_framework.request import Request

from config.scopes import SCOPES, needed

# The last use is written down at most so often.
NOTED = timedelta(minutes=5)


class Token(TokenAuthentication):
    """`Authorization: Token …`; tokens are made and revoked on the account page, and stored as digests.

    Whatever a token opens, it opens here: an endpoint outside its scope or its project is refused before anything else.
    Its terms are the row that annotation keeps beside it (`terms`); a token from before there were any does what its
    person may.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The person and the token; 401 for one that is none (any more), 403 for what it is not good for."""
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found is not None and (terms := getattr(found[1], "terms", None)) is not None:
            refuse_outside(terms, request)
            note_use(terms)
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The token with these characters, unless it has ended or its account is closed."""
        try:
            words = token.decode("ascii")
            digest = hash_token(words)
        except (UnicodeDecodeError, TypeError, binascii.Error):
            words, digest = "", ""
        rows = get_token_model().objects.filter(token_key=words[: CONSTANTS.TOKEN_KEY_LENGTH])
        for row in rows.select_related("user", "terms__project"):
            if not compare_digest(digest, row.digest):
                continue
            if row.expiry is not None and row.expiry <= timezone.now():
                sentence = _("This token ended on %(day)s. Make a new one on your account page.")
                raise exceptions.AuthenticationFailed(
                    sentence % {"day": timezone.localtime(row.expiry).date().isoformat()}
                )
            if not row.user.is_active:
                raise exceptions.AuthenticationFailed(_("This account is closed."))
            return row.user, row
        raise exceptions.AuthenticationFailed(
            _("There is no such token: it was revoked, or it is not whole. Make a new one on your account page.")
        )


def refuse_outside(terms: Any, request: Request) -> None:
    """Raise PermissionDenied where the token's terms do not reach to this endpoint, verb and project."""
    context: dict[str, Any] = request.parser_context or {}
    wanted = needed(context.get("view"), request.method or "")
    if not set(wanted).intersection(terms.scopes):
        names = ", ".join(str(SCOPES[name]) for name in wanted)
        sentence = _("This token is not good for that: it would need one of these scopes: %(names)s.")
        raise exceptions.PermissionDenied(sentence % {"names": names})
    slug = context.get("kwargs", {}).get("slug")
    # Of what is about no project only one's own account.
    away = (
        slug != terms.project.slug if terms.project and slug else not getattr(context.get("view"), "of_account", False)
    )
    if terms.project is not None and away:
        raise exceptions.PermissionDenied(_("This token is good for another project alone."))


def note_use(terms: Any) -> None:
    """Write down that the token was used, at most once in some minutes."""
    now = timezone.now()
    if terms.used_at is None or terms.used_at < now - NOTED:
        stale = Q(used_at=None) | Q(used_at__lt=now - NOTED)
        type(terms)._default_manager.filter(stale, pk=terms.pk).update(used_at=now)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the token appears in the OpenAPI document."""

    target_class = "config.authentication.Token"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """An API key in the Authorization header."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token …`"}
