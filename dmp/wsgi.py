"""The web application, as its processes load it. It refuses to start unsound: no setting, a wrong key."""

import gc
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")
django.setup()

from django.conf import settings  # noqa: E402  once Django is ready

from accounts import outbound  # noqa: E402
from dmp import checks, metrics, requests  # noqa: E402
from dmp.front import pages  # noqa: E402
from dmp.front.application import Front  # noqa: E402

checks.refuse_to_start_unsound(checks.Process.WEB)
metrics.serve_if_asked()

application = requests.Application()
outbound.at_most(settings.DMP_CALLS_AT_ONCE)
front = Front(application, page=pages.page, always=pages.ALWAYS, asks=True, threads=settings.DMP_WEB_THREADS)

# What was loaded lives as long as the process: the collector need not look at it again at every page.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
