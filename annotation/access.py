"""Who is asking: the membership behind an address, or a 404 that tells a stranger nothing."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from annotation.models import Gold, Item, Membership

RIGHTS: dict[str, Callable[[Membership], bool]] = {
    "member": lambda membership: True,
    "manager": lambda membership: membership.is_manager,
    "calibrate": lambda membership: membership.can_calibrate,
    "label": lambda membership: membership.can_label,
    "adjudicate": lambda membership: membership.can_adjudicate,
    "research": lambda membership: membership.can_research,
    "boards": lambda membership: membership.can_see_boards,
}


def membership_of(user: Any, slug: str, right: str = "member") -> Membership:
    """The user's membership; Http404 for strangers, PermissionDenied for members without the right."""
    membership = Membership.objects.of(user, slug)
    if membership is None:
        raise Http404
    if not RIGHTS[right](membership):
        raise PermissionDenied
    return membership


def refuse_blind(membership: Membership, item: int) -> None:
    """Raise PermissionDenied where this person may still be asked to label the item: their answer comes first."""
    if Item.objects.blind_for(membership.user).filter(pk=item).exists():
        raise PermissionDenied(
            _(
                "You may still be asked to label this item, so what others said of it is hidden from you until you have answered it. Somebody else can decide it meanwhile."
            )
        )


def refuse_second(membership: Membership, gold: Gold) -> None:
    """Raise PermissionDenied where the answer waits for a second decision, which is made without knowing the first."""
    if not Gold.objects.visible_to(membership.user).filter(pk=gold.pk).exists():
        raise PermissionDenied(
            _("This answer waits for a second decision: until then only who made the first one sees it.")
        )


def member(
    right: str = "member",
) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """A view for members with the right: it gets the membership as its second argument instead of the slug."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @login_required
        @wraps(view)
        def wrapped(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, membership_of(request.user, slug, right), *args, **kwargs)

        return wrapped

    return decorate
