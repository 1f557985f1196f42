from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class VaultConfig(AppConfig):
    name = "vault"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .checks import the_keys_are_those_of_the_database, the_keys_are_usable
        from .startup import refuse_a_wrong_key, register_keys

        checks.register(the_keys_are_usable, checks.Tags.security)
        checks.register(the_keys_are_those_of_the_database, checks.Tags.database)
        connection_created.connect(refuse_a_wrong_key)
        post_migrate.connect(register_keys, sender=self)
