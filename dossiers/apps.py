from django.apps import AppConfig

from vault import rewrapping


class DossiersConfig(AppConfig):
    name = "dossiers"
    verbose_name = "Dossiers"

    def ready(self) -> None:
        rewrapping.announce(rewrapping.EphemeralColumn("dossiers_application", "id", "wrapped_key"))
