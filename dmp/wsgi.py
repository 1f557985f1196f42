"""The web application, as granian loads it. It refuses to start unsound: a missing setting, a wrong key."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dmp.settings")

application = get_wsgi_application()

from dmp import checks  # noqa: E402  once Django is ready

checks.refuse_to_start_unsound()
