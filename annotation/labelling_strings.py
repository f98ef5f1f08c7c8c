"""The words that the labelling page's script shows, translated here because scripts carry no language."""

from django.utils.translation import gettext as _


def strings() -> dict[str, str]:
    """Key -> sentence in the reader's language."""
    return {"saved": _("saved")}
