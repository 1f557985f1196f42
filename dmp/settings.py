"""Settings, read once from the environment. docs/operating.md says what each of them does."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from kombu import Queue

from dmp import checking, children, places, valkey
from dmp.front.bodies import FORM_BYTES
from jobs.urgency import Urgency

BASE_DIR = places.ROOT


def setting(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def number(name: str, default: int) -> int:
    """Raises places.Unusable, a sentence with the name in it."""
    return places.number(os.environ, name, default)


def by_class(name: str, default: str, *, least: int) -> dict[str, int]:
    """A number for each class of jobs, from `codes=2 checks=4`; those not named keep their default.

    Raises places.Unusable.
    """
    pairs = [pair.partition("=") for pair in f"{default} {setting(name)}".split()]
    try:
        numbers = {Urgency.named(urgency): int(number) for urgency, _, number in pairs}
    except (KeyError, ValueError):
        numbers = {}
    if set(numbers) != set(Urgency) or min(numbers.values()) < least:
        raise places.Unusable(
            f"{name} : il faut une classe et un nombre, {least} au moins, comme dans « {default} »."
        )
    return {urgency.queue: number for urgency, number in numbers.items()}


# Where this installation keeps what it owns: embedded servers, keys, contents, logs.
DMP_VAR = places.var(os.environ)
DMP_DEMO = setting("DMP_DEMO") == "1"
DMP_PORT = places.port(os.environ)
DMP_SANDBOX_PORT = number("SANDBOX_PORT", DMP_PORT + 1)
DMP_BASE_URL = setting("DMP_BASE_URL", f"http://127.0.0.1:{DMP_PORT}")

# The outside world. Under DMP_DEMO it is the sandbox.
DMP_HISTORY_URL = setting("DMP_HISTORY_URL")
DMP_HISTORY_TOKEN = setting("DMP_HISTORY_TOKEN")
DMP_PSC_ISSUER = setting("DMP_PSC_ISSUER")
DMP_PSC_CLIENT_ID = setting("DMP_PSC_CLIENT_ID")
DMP_PSC_CLIENT_SECRET = setting("DMP_PSC_CLIENT_SECRET")
DMP_SMS_URL = setting("DMP_SMS_URL")
DMP_SMS_TOKEN = setting("DMP_SMS_TOKEN")
DMP_SMTP_HOST = setting("DMP_SMTP_HOST")
DMP_SMTP_PORT = number("DMP_SMTP_PORT", 25)
DMP_READER_URL = setting("DMP_READER_URL")
DMP_READER_JWKS_URL = setting("DMP_READER_JWKS_URL")
# The way out, where there is only one: http://[user:password@]host:port. A shell's variables are not read.
DMP_EGRESS_PROXY = setting("DMP_EGRESS_PROXY")

# Who answers for the service, as its legal pages say it. Empty under DMP_DEMO: nobody does.
DMP_OPERATOR_NAME = setting("DMP_OPERATOR_NAME")
DMP_OPERATOR_ADDRESS = setting("DMP_OPERATOR_ADDRESS")
DMP_OPERATOR_EMAIL = setting("DMP_OPERATOR_EMAIL")
DMP_OPERATOR_PHONE = setting("DMP_OPERATOR_PHONE")
DMP_OPERATOR_DIRECTOR = setting("DMP_OPERATOR_DIRECTOR")
DMP_OPERATOR_HOST = setting("DMP_OPERATOR_HOST")
DMP_OPERATOR_DPO = setting("DMP_OPERATOR_DPO")
DMP_OPERATOR_PROCESSORS = setting("DMP_OPERATOR_PROCESSORS")
DMP_HELP_PHONE = setting("DMP_HELP_PHONE")  # printed on the sheet when it is set

# The law of this installation.
DMP_POST_DELAY_HOURS = number("DMP_POST_DELAY_HOURS", 24)
DMP_CONTACT_KNOWN_SINCE_DAYS = number("DMP_CONTACT_KNOWN_SINCE_DAYS", 30)
DMP_MOST_DOSSIERS_PER_CONTACT = number("DMP_MOST_DOSSIERS_PER_CONTACT", 3)
DMP_INS_OIDS = setting("DMP_INS_OIDS", "test")
DMP_GRANT_DAYS = number("DMP_GRANT_DAYS", 365)


def secret_key() -> str:
    """From the environment, else from `var/keys`; empty when there is none, and Django refuses to sign."""
    kept = DMP_VAR / "keys" / "secret_key"
    return setting("DMP_SECRET_KEY") or (kept.read_text().strip() if kept.is_file() else "")


DMP_SECRET_KEY = secret_key()
SECRET_KEY = DMP_SECRET_KEY
VAULT = {
    "PROVIDER": setting("DMP_VAULT_PROVIDER", "file"),
    "KEYS": Path(setting("DMP_VAULT_KEYS", str(DMP_VAR / "keys" / "kek.json"))),
}
# What the verification of the ledger signed, and the key it signs with: neither is ever in the database.
DMP_LEDGER_HEADS = Path(setting("DMP_LEDGER_HEADS", str(DMP_VAR / "ledger")))
DMP_LEDGER_KEY = Path(setting("DMP_LEDGER_KEY", str(DMP_VAR / "keys" / "ledger.json")))
# Where the checker listens: who opens files from outside, in a process that knows nothing else.
DMP_CHECKER_SOCKET = Path(setting("DMP_CHECKER_SOCKET", str(checking.socket_path(DMP_VAR))))
# What was taken away, outside the database; kept until no backup is older.
DMP_JOURNAL = Path(setting("DMP_JOURNAL", str(DMP_VAR / "journal")))
DMP_BACKUP_DAYS = int(setting("DMP_BACKUP_DAYS", "35"))
# What saves and verifies this installation says there how old the copies are: deploy/backup.
DMP_BACKUP_STATUS = Path(setting("DMP_BACKUP_STATUS", str(DMP_VAR / "backup-status")))
DOCUMENT_STORE = Path(setting("DMP_DOCUMENT_STORE", str(DMP_VAR / "store")))

# Of each web process: the threads that answer, and how many of them may wait for the outside at once.
DMP_WEB_THREADS = int(setting("DMP_WEB_THREADS", "4"))
DMP_CALLS_AT_ONCE = int(setting("DMP_CALLS_AT_ONCE", "2"))

DEBUG = False
SECURE = DMP_BASE_URL.startswith("https://")
ALLOWED_HOSTS = [urlsplit(DMP_BASE_URL).hostname or "localhost", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [DMP_BASE_URL]

INSTALLED_APPS = [
    "dmp",
    "portal",
    "api",
    "history",
    "documents",
    "dossiers",
    "access",
    "accounts",
    "jobs",
    "revocation",
    "audit",
    "vault",
    *(["sandbox"] if DMP_DEMO else []),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_otp",
    "django_htmx",
    "rest_framework",
    "csp",
]

MIDDLEWARE = [
    "dmp.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "dmp.headers.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dmp.doors.DoorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "dmp.forms_with_files.FormsWithFilesMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dmp.front.uploads.UploadMiddleware",
    "portal.errors.RefusalMiddleware",
]

ROOT_URLCONF = "dmp.urls"
WSGI_APPLICATION = "dmp.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            # The first loader gives templates their French typography, once, at load.
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["portal.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


# After how many runs on a connection PostgreSQL keeps the plan of a statement. 0, never: behind a pooler that
# shares connections between transactions.
DMP_PREPARE_AFTER = number("DMP_PREPARE_AFTER", 3)


# A server that says nothing any more: in seconds, but the second, in milliseconds (libpq).
SILENCE = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 30}


def database(url: str, user: str) -> dict[str, object]:
    """A database from its URL; without one, that of the embedded server, as `user`."""
    prepared = (
        {"server_side_binding": True, "prepare_threshold": DMP_PREPARE_AFTER} if DMP_PREPARE_AFTER else {}
    )
    common = {
        "ENGINE": "dmp.postgresql",  # looks whether a connection was ended, before it is used again
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
    if not url:
        place = {"NAME": "dmp", "USER": user, "HOST": str(children.socket_directory(DMP_VAR))}
        return common | place | {"OPTIONS": prepared | {"passfile": str(DMP_VAR / "keys" / "pgpass")}}
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return common | {
        "NAME": unquote(parts.path.lstrip("/")) or "dmp",
        "USER": unquote(parts.username or user),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "OPTIONS": prepared | SILENCE | options,
    }


# The running system signs in as dmp_app. `owner` makes the tables: `manage.py migrate --database owner`.
DATABASES = {
    "default": database(setting("DATABASE_URL"), "dmp_app"),
    "owner": database(setting("DATABASE_OWNER_URL") or setting("DATABASE_URL"), "dmp_owner"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis carries the bell and caches; each process bears its absence, and waits a fifth of a second at most.
REDIS_URL = setting("REDIS_URL")
DMP_REDIS_URL = REDIS_URL or valkey.address(DMP_VAR, "unix", "db=1")
DMP_REDIS_PATIENCE = 0.2
CELERY_BROKER_URL = REDIS_URL or valkey.address(DMP_VAR, "redis+socket", "virtual_host=0")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# One queue of messages for each class of jobs. A worker has slots for those of its `--queues`.
CELERY_TASK_QUEUES = [Queue(urgency.queue) for urgency in Urgency]
CELERY_TASK_DEFAULT_QUEUE = Urgency.BULK.queue
CELERY_TASK_CREATE_MISSING_QUEUES = False
# What Celery receives says that there is work; the slots do it, in threads of their own.
CELERY_WORKER_POOL = "solo"
CELERY_WORKER_PREFETCH_MULTIPLIER = 0  # a bell takes no time: none keeps the next from being heard
# Nobody gives orders to a worker through Redis, and it tells nothing there.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# A bell that nobody answered is lost: whoever looks at the table a second later needs none.
CELERY_BROKER_TRANSPORT_OPTIONS = {"ack_emulation": False}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None

# Work. A worker that says nothing loses its jobs after this long; one that works renews four times as often.
DMP_JOB_LEASE_SECONDS = number("DMP_JOB_LEASE_SECONDS", 20)
DMP_SLOTS = by_class("DMP_SLOTS", "codes=2 foreground=2 checks=2 bulk=1", least=1)
DMP_QUESTIONS = by_class("DMP_QUESTIONS", "codes=32 foreground=40 checks=0 bulk=8", least=0)
DMP_WAITING_PER_AUTHOR = number("DMP_WAITING_PER_AUTHOR", 60)
DMP_WAITING_PER_STRUCTURE = number("DMP_WAITING_PER_STRUCTURE", 600)
DMP_DONE_JOBS_DAYS = number("DMP_DONE_JOBS_DAYS", 7)

AUTH_USER_MODEL = "accounts.User"
DMP_HASHING_AT_ONCE = number("DMP_HASHING_AT_ONCE", 2)
AUTHENTICATION_BACKENDS: list[str] = []
PASSWORD_HASHERS = ["accounts.hashers.Argon2id", "accounts.hashers.First"]
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_SAVE_EVERY_REQUEST = False
# The secret of a browser: accounts.browsers.
DMP_BROWSER_COOKIE_NAME = "__Host-navigateur" if SECURE else "navigateur"
# Set while a letter travels: portal.public.opening_under_way.
DMP_OPENING_COOKIE_NAME = "__Host-ouverture" if SECURE else "ouverture"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LOGIN_URL = "/connexion/"

SECURE_CONTENT_TYPE_NOSNIFF = True
# `no-referrer` makes browsers send `Origin: null`, which the CSRF check refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if setting("DMP_BEHIND_TLS_PROXY") == "1" else None
)
# How many proxies of ours stand in front, each adding an address to X-Forwarded-For: accounts.browsers.
DMP_TRUSTED_PROXIES = int(setting("DMP_TRUSTED_PROXIES", "1" if SECURE_PROXY_SSL_HEADER else "0"))
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # `frame-ancestors 'none'` in the content policy says it
    "security.W008",  # the proxy redirects
    "security.W021",  # whether a whole domain is preloaded is for its owner to decide
]

_issuer = urlsplit(DMP_PSC_ISSUER)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        # Signing in by Pro Santé Connect is a form whose answer redirects to the issuer.
        "form-action": [SELF, *([f"{_issuer.scheme}://{_issuer.netloc}"] if _issuer.netloc else [])],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
STATIC_ROOT = DMP_VAR / "static"
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else's pages use our files
STORAGES = {
    "default": {
        "BACKEND": "documents.store.DurableFileSystemStorage",
        "OPTIONS": {"location": DOCUMENT_STORE},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# A form is 64 kB at most, files apart: the front refuses what is larger, but where a view takes files.
DATA_UPLOAD_MAX_MEMORY_SIZE = FORM_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 2
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 50_000_000

EMAIL_BACKEND = "accounts.mail.Backend"
EMAIL_HOST = DMP_SMTP_HOST
EMAIL_PORT = DMP_SMTP_PORT
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = setting("DMP_MAIL_FROM", "ne-pas-repondre@dmp.example")

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.FormParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.ProgramAuthentication"],
    "DEFAULT_METADATA_CLASS": None,  # a door describes itself to nobody
    "DEFAULT_PERMISSION_CLASSES": ["api.authentication.IsProgram"],  # a view that says nothing refuses
    "UNAUTHENTICATED_USER": None,
}

# host:port of the figures for whoever watches, inside; none are counted when it is empty.
DMP_METRICS_ADDRESS = setting("DMP_METRICS_ADDRESS")

# Only the keys that dmp.logs allows come out, whoever speaks.
LOGGING_CONFIG = "dmp.logs.configure"
LOGGING = {"level": setting("DMP_LOG_LEVEL", "INFO")}
