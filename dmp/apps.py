from django.apps import AppConfig


class DmpConfig(AppConfig):
    name = "dmp"
    verbose_name = "Dossier médical partagé"

    def ready(self) -> None:
        from dmp import celery, checks  # noqa: F401  the bell that shared tasks ring; the checks
