"""The assembled application: settings, addresses, processes. No rule of the health record lives here."""

from dmp.celery import app as celery_app

__all__ = ["celery_app"]
