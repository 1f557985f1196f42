"""Settings of the outside world: its own process, loopback only, no database, no cookie."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def _required(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ImproperlyConfigured(f"The sandbox needs {name}: the service and the outside world share it.")


BASE_DIR = Path(__file__).resolve().parent.parent

PORT = int(os.environ.get("SANDBOX_PORT") or int(os.environ.get("PORT", "8000")) + 1)
SMTP_PORT = int(os.environ.get("DMP_SMTP_PORT") or PORT + 1)
HERE = f"http://127.0.0.1:{PORT}"
MEMORY = Path(os.environ.get("DMP_VAR") or BASE_DIR / "var") / "sandbox"

# The service on the other side, and the secrets it shares with the world.
SERVICE_URL = _required("DMP_BASE_URL").rstrip("/")
HISTORY_TOKEN = _required("DMP_HISTORY_TOKEN")
SMS_TOKEN = _required("DMP_SMS_TOKEN")
PSC_CLIENT_ID = _required("DMP_PSC_CLIENT_ID")
PSC_CLIENT_SECRET = _required("DMP_PSC_CLIENT_SECRET")

SECRET_KEY = secrets.token_urlsafe(50)  # signs nothing that outlives the process
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "sandbox.urls"
INSTALLED_APPS = ["sandbox"]
MIDDLEWARE = ["sandbox.headers.Headers", "django.middleware.common.CommonMiddleware"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["sandbox.headers.around"]},
    }
]
DATABASES: dict = {}
LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_TZ = True
STATIC_URL = "/static/"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "mail.log": {"handlers": ["console"], "level": "ERROR", "propagate": False},
    },
}
