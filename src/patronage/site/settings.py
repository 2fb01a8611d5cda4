"""Django settings: whatever a machine may set comes from PATRONAGE_* variables, read here only."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

HOME = Path(os.environ.get("PATRONAGE_HOME", "var")).resolve()
# The store holds password hashes and the vault: only its owner may look in.
HOME.mkdir(mode=0o700, parents=True, exist_ok=True)


def _secret_key() -> str:
    """The machine's own key: made at the first start, readable by its owner only."""
    path = HOME / "secret_key"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _database() -> dict[str, Any]:
    url = os.environ.get("PATRONAGE_DATABASE_URL") or f"sqlite:///{HOME / 'patronage.sqlite3'}"
    settings: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600))
    if settings["ENGINE"].endswith("sqlite3"):
        settings["ENGINE"] = "patronage.access.sqlite"
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                " PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536"
            ),
        }
        settings["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
    elif name := os.environ.get("PATRONAGE_TEST_DATABASE"):
        settings["TEST"] = {"NAME": name}
    return settings


DEBUG = False
SECRET_KEY = os.environ.get("PATRONAGE_SECRET_KEY") or _secret_key()
ALLOWED_HOSTS = os.environ.get("PATRONAGE_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("PATRONAGE_ORIGINS", "").split(",") if o]
SECURE_COOKIES = os.environ.get("PATRONAGE_SECURE_COOKIES", "0") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

WAREHOUSE_ROOT = Path(os.environ.get("PATRONAGE_WAREHOUSE", HOME / "warehouse"))
WAREHOUSE_ENGINE = os.environ.get("PATRONAGE_ENGINE", "duckdb")
KEY_FILE = Path(os.environ.get("PATRONAGE_KEYS", HOME / "keys.sqlite3"))
_keys_backup = os.environ.get("PATRONAGE_KEYS_BACKUP")
KEYS_BACKUP = Path(_keys_backup) if _keys_backup else None
OUTBOX_ROOT = Path(os.environ.get("PATRONAGE_OUTBOX", HOME / "outbox"))

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",
    "patronage.access",
    "patronage.identify",
    "patronage.differentiate",
    "patronage.govern",
    "patronage.customize",
    "patronage.interact",
    "patronage.learn",
    "patronage.steer",
    "patronage.site",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "patronage.site.storable.StorableTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "patronage.site.middleware.ContentSecurityMiddleware",
    "patronage.site.middleware.CallerMiddleware",
    "patronage.site.middleware.LogInMiddleware",
    "patronage.site.middleware.ErrorMiddleware",
]
ROOT_URLCONF = "patronage.site.urls"
WSGI_APPLICATION = "patronage.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "patronage.site.context.chrome",
            ],
        },
    }
]
DATABASES = {"default": _database()}
AUTH_USER_MODEL = "access.User"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenId:
    """The company's own log-in service."""

    #: its address, as its description gives it
    issuer: str
    #: what it calls this installation
    client_id: str
    secret: str
    #: what the button on the log-in page calls it
    name: str


def _open_id() -> OpenId | None:
    issuer = os.environ.get("PATRONAGE_OPENID_ISSUER", "").rstrip("/")
    if not issuer:
        return None
    return OpenId(
        issuer=issuer,
        client_id=os.environ["PATRONAGE_OPENID_CLIENT"],
        secret=os.environ["PATRONAGE_OPENID_SECRET"],
        name=os.environ.get("PATRONAGE_OPENID_NAME") or urlsplit(issuer).netloc,
    )


OPEN_ID = _open_id()

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None
