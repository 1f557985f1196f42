from django.urls import path

from portal.two_factors import Entrance

from . import waiting

app_name = "staff"

entrance = Entrance(kind="staff", namespace="staff", space="Espace équipe")

urlpatterns = [
    path("equipe/connexion/", entrance.sign_in, name="sign_in"),
    path("equipe/connexion/code/", entrance.code, name="sign_in_code"),
    path("equipe/connexion/mot-de-passe/", entrance.password, name="sign_in_password"),
    path("equipe/", waiting.home, name="home"),
    path("equipe/relancer/", waiting.retry_all, name="retry_all"),
    path("equipe/<uuid:task_id>/relancer/", waiting.retry, name="retry"),
    path("equipe/<uuid:task_id>/clore/", waiting.close, name="close"),
]
