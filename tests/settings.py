"""The settings of the tests: the real ones, on servers and keys of this process alone."""

import os
from pathlib import Path

VAR = Path(__file__).resolve().parent.parent / "var" / "tests" / str(os.getpid())

os.environ["DMP_VAR"] = str(VAR)
os.environ["DMP_SECRET_KEY"] = "a key that signs nothing outside the tests"
for name in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "DMP_DEMO",
    "DMP_VAULT_KEYS",
    "DMP_DOCUMENT_STORE",
):
    os.environ.pop(name, None)
# What tests speak to is on this machine: a proxy for the outside has nothing to do with it.
for name in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)
os.environ |= {
    "DMP_OPERATOR_NAME": "Caisse des Essais",
    "DMP_OPERATOR_ADDRESS": "1 place du Test, 31000 Toulouse",
    "DMP_OPERATOR_EMAIL": "contact@essais.example",
    "DMP_OPERATOR_PHONE": "05 61 00 00 00",
    "DMP_OPERATOR_DIRECTOR": "Anne Roux",
    "DMP_OPERATOR_HOST": "Hébergeur des Essais, 2 rue du Serveur, 31000 Toulouse, 05 61 00 00 01",
    "DMP_OPERATOR_DPO": "dpo@essais.example",
    "DMP_OPERATOR_PROCESSORS": "Messagerie des Essais (SMS), Poste des Essais (courriel)",
}

from dmp.settings import *  # noqa: E402, F403
from dmp.settings import STORAGES  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
