"""The words that the labelling page's script shows, translated here because scripts carry no language."""

from django.utils.translation import gettext as _


def strings() -> dict[str, str]:
    """Key -> sentence in the reader's language; {count} and the like are filled in by the script."""
    return {
        "saved": _("saved"),
        "saving": _("saving"),
        "waiting": _("waiting for the connection ({count} not sent yet)"),
        "signed_out": _("You are signed out; your answers are kept here."),
        "sign_in": _("Sign in again"),
        "lost": _("The server takes no answers from this page any more. They are kept here; reload the page."),
        "item": _("item"),
        "correction": _("correcting an earlier answer"),
        "unanswered": _("“{question}” has no answer yet."),
        "pace": _("· {count} an hour"),
        "session": _("{count} in this session, in {minutes} minutes."),
        "all_done": _("You have answered every item that is meant for you."),
        "others": _("Other people hold the remaining items; some may come back when their time runs out."),
        "offline": _("There is no connection. What you answered is kept and sent when it is back."),
        "skipped": _("skipped"),
        "none_yet": _("You have not answered anything yet."),
    }
