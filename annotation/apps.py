"""The annotation app."""

from django.apps import AppConfig
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotation.text import words


class AnnotationConfig(AppConfig):
    """People and labels."""

    name = "annotation"
    verbose_name = _("Annotation")

    def ready(self) -> None:
        """Let the files that know no Django speak the reader's language."""
        words.install(gettext)
