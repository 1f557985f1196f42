"""The web application, as granian loads it. It refuses to start unsound: a missing setting, a wrong key."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")

application = get_wsgi_application()

from dmp import checks  # noqa: E402  once Django is ready

checks.refuse_to_start_unsound()

# What was loaded lives as long as the process: the collector need not look at it again at every page.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
