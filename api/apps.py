from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "Les portes pour les logiciels"
