"""The annotation app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnnotationConfig(AppConfig):
    """People and labels."""

    name = "annotation"
    verbose_name = _("Annotation")
