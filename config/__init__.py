"""The ground floor: settings, URLs, queue and server; no models, imports no app."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
