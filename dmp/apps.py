from django.apps import AppConfig


class DmpConfig(AppConfig):
    name = "dmp"
    verbose_name = "Dossier médical partagé"

    def ready(self) -> None:
        from dmp import checks  # noqa: F401  registers them
