"""The outside world as one process: HTTP here, mail beside it. One worker: its memory is its state."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from sandbox import mail  # noqa: E402  the settings must be chosen first

mail.listen()
