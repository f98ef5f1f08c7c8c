"""Settings of the processes that the worker tests start: the product's own; on Redis with a prefix of their own."""

import os

from config.settings import *  # noqa: F403

if PREFIX := os.environ.get("TEST_KEY_PREFIX"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": PREFIX}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
