"""A person grants a program what it may do in their name: a token with a name, scopes, an end, perhaps one project; and ends it."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import AuthToken

from annotation.models import Project, TokenTerms, User
from annotation.text.normal import check_name
from config.scopes import SCOPES

DAYS, MOST_DAYS = 90, 365
# What has ended stays listed for so long, so that its owner can see why a program is refused.
KEPT = timedelta(days=30)


@transaction.atomic
def grant(
    *, user: User, name: str, scopes: Sequence[str], days: int = DAYS, project: Project | None = None
) -> tuple[TokenTerms, str]:
    """A new token and its secret, which is told this once; raises ValueError with a sentence."""
    name = check_name(name.strip())
    if not name or len(name) > 60:
        raise ValueError(_("A token needs a name of at most 60 characters: what it is for."))
    if not scopes or (set(scopes) - set(SCOPES)):
        raise ValueError(_("Choose at least one scope: %(all)s.") % {"all": ", ".join(SCOPES)})
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(_("A token ends after 1 to %(most)d days.") % {"most": MOST_DAYS})
    if project is not None and not Project.objects.visible_to(user).filter(pk=project.pk).exists():
        raise ValueError(_("There is no such project among yours."))
    now = timezone.now()
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    rows = AuthToken.objects.filter(user=user)
    rows.filter(expiry__lt=now - KEPT).delete()
    most = settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]
    if rows.filter(Q(expiry=None) | Q(expiry__gt=now)).count() >= most:
        raise ValueError(
            _("You have %(most)d tokens already. Revoke one that is not needed any more.") % {"most": most}
        )
    token, secret = AuthToken.objects.create(user=user, expiry=timedelta(days=days))
    chosen = [scope for scope in SCOPES if scope in scopes]
    return TokenTerms.objects.create(token=token, name=name, scopes=chosen, project=project), secret


def revoke(*, token: AuthToken) -> None:
    """End a token at once; programs that use it are refused."""
    token.delete()
