"""What a token of the API may be good for at most: four scopes, and which of them an endpoint asks for.

A view says it in `scopes`, {verb: the scopes that each suffice}; what it does not say follows from the verb alone, so a
new endpoint is closed to narrow tokens until somebody opens it. A token never does more than its person may.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

READ, LABEL, DATA, MANAGE = "read", "label", "data", "manage"
SCOPES: dict[str, str | Promise] = {
    READ: _("read"),
    LABEL: _("label"),
    DATA: _("import and export"),
    MANAGE: _("everything that I may do"),
}
ALL = tuple(SCOPES)
SAFE = ("GET", "HEAD", "OPTIONS")
# Of a view whose every verb is for one purpose.
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LABELLING = dict.fromkeys(VERBS, (LABEL,))
TAKING_OUT = dict.fromkeys(VERBS, (DATA,))
# What every program has to know first.
OPEN = {"GET": ALL}
BRINGING_IN = {"GET": (READ, DATA), **dict.fromkeys(("POST", "PUT", "DELETE"), (DATA,))}


def needed(view: Any, verb: str) -> tuple[str, ...]:
    """The scopes of which a token needs one, for this verb of a view; `manage` suffices everywhere."""
    verb = "GET" if verb in SAFE else verb
    said: dict[str, tuple[str, ...]] = getattr(view, "scopes", {})
    return (*said.get(verb, (READ,) if verb == "GET" else ()), MANAGE)
