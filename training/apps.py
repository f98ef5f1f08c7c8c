"""The training app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrainingConfig(AppConfig):
    """Systems: fine-tuned or prompted."""

    name = "training"
    verbose_name = _("Training")
