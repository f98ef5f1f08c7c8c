"""The evaluation app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EvaluationConfig(AppConfig):
    """Everything frozen, and how it is judged."""

    name = "evaluation"
    verbose_name = _("Evaluation")
