"""Typed readers of environment variables that fail loudly, naming the variable and the fix."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable as it stands, or the default where it is unset."""
    return os.environ.get(name, default)


def boolean(name: str, default: bool = False) -> bool:
    """A yes/no variable; raises ImproperlyConfigured for anything that is neither."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.strip().lower() in TRUE:
        return True
    if raw.strip().lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither yes nor no. Use 1 or 0.")


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number within [least, most]; raises ImproperlyConfigured otherwise."""
    raw = os.environ.get(name)
    if raw is None or not raw.strip():
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.") from None
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={value} is out of range: use {least} to {most}.")
    return value


def names(name: str, default: str = "") -> list[str]:
    """A comma-separated list, blanks dropped."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    """A folder as an absolute path; it is made where it is missing."""
    path = Path(os.environ.get(name) or default).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}={path} cannot be made: {error.strerror}.") from None
    return path


def database(name: str, *, sqlite: Path) -> dict[str, object]:
    """DATABASE_URL (postgresql://user:password@host:port/name or sqlite:///path) as Django's dictionary."""
    url = os.environ.get(name, "")
    if not url:
        return sqlite_database(sqlite)
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite_database(Path(unquote(parts.path)))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} starts with {parts.scheme!r}; use postgresql:// or sqlite:///.")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 16, "timeout": 20}, **query},
    }


def sqlite_database(path: Path) -> dict[str, object]:
    """SQLite for many writers: WAL, immediate transactions (no upgrade deadlocks), a patient busy timeout."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000; "
            "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=134217728;",
        },
        # A file, not memory: the concurrency tests open it from several threads and processes.
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }
