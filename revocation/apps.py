from django.apps import AppConfig
from django.db.backends.signals import connection_created


class RevocationConfig(AppConfig):
    name = "revocation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .doors import refuse_a_database_that_went_back

        connection_created.connect(refuse_a_database_that_went_back)
