from django.urls import path

from portal.two_factors import Entrance

from . import opening

app_name = "counter"

entrance = Entrance(kind="agent", namespace="counter", space="Espace guichet")

urlpatterns = [
    path("guichet/connexion/", entrance.sign_in, name="sign_in"),
    path("guichet/connexion/code/", entrance.code, name="sign_in_code"),
    path("guichet/connexion/mot-de-passe/", entrance.password, name="sign_in_password"),
    path("guichet/", opening.home, name="home"),
    path("guichet/poste/", opening.post, name="post"),
    path("guichet/information/", opening.information, name="information"),
    path("guichet/reflexion/", opening.thinking, name="thinking"),
    path("guichet/carte/", opening.card, name="card"),
    path("guichet/<uuid:visit_id>/", opening.identity, name="identity"),
    path("guichet/<uuid:visit_id>/existe/", opening.exists, name="exists"),
    path("guichet/<uuid:visit_id>/accord/", opening.agreement, name="agreement"),
    path("guichet/<uuid:visit_id>/feuille/", opening.turned, name="turned"),
    path("guichet/<uuid:visit_id>/code/", opening.code, name="code"),
    path("guichet/<uuid:visit_id>/fiche/", opening.sheet, name="sheet"),
    path("guichet/<uuid:visit_id>/reflexion/", opening.think_it_over, name="think_it_over"),
]
