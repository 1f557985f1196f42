"""The web application, as granian loads it. It refuses to start unsound: a missing setting, a wrong key."""

import gc
import os

import django
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
django.setup()

from dmp import checks  # noqa: E402  once Django is ready

checks.refuse_to_start_unsound(checks.Process.WEB)

application = get_wsgi_application()

# What was loaded lives as long as the process: the collector need not look at it again at every page.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
