"""Settings of the tests: the product's own, with a data folder and a database that belong to this run alone."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _scratch() -> Path:
    """A folder for this process (each xdist worker has its own), gone with it; processes that it starts share it."""
    if given := os.environ.get("ASSAY_TEST_DATA"):
        return Path(given)
    made, owner = Path(tempfile.mkdtemp(prefix="assay-tests-")), os.getpid()

    def clear() -> None:
        if os.getpid() == owner:  # a fork leaves it to its parent
            shutil.rmtree(made, ignore_errors=True)

    atexit.register(clear)
    return made


SCRATCH = _scratch()
os.environ["ASSAY_DATA"] = str(SCRATCH)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
for name in ("ASSAY_DEMO", "HTTPS", "ASSAY_DEBUG"):
    os.environ.pop(name, None)

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Unit tests call the work themselves; a message goes to a queue that nobody reads.
CELERY_BROKER_URL = os.environ.get("TEST_BROKER_URL", "memory://")
CELERY_BROKER_TRANSPORT, CELERY_BROKER_TRANSPORT_OPTIONS = "", {}
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"user": None}}  # noqa: F405
DATABASES["default"].get("OPTIONS", {}).pop("pool", None)  # type: ignore[attr-defined]  # noqa: F405
