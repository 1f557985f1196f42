"""Addresses of the outside world: protocols for machines, a few pages for people."""

from django.urls import path, re_path

from sandbox import card_reader, insurer, people, sms
from sandbox import pro_sante_connect as psc

urlpatterns = [
    path("assurance-maladie/verifications", insurer.verify),
    path("assurance-maladie/verifications/<str:verification_id>/codes", insurer.send_code),
    path("assurance-maladie/historiques", insurer.history),
    path("psc/.well-known/openid-configuration", psc.discovery),
    path("psc/certs", psc.certs),
    path("psc/authorize", psc.authorize),
    path("psc/token", psc.token),
    path("psc/userinfo", psc.who),
    path("psc/logout", psc.logout),
    path("sms", sms.receive),
    path("lecteur/postes", card_reader.posts),
    path("lecteur/postes/<str:post_id>/cartes", card_reader.cards),
    path("lecteur/postes/<str:post_id>/lectures", card_reader.read),
    path("lecteur/jwks", card_reader.jwks),
    path("", people.who, name="who"),
    path("boite/", people.messages, name="box"),
    path("codes/", people.codes, name="codes"),
    path("assureur/", people.insurer, name="insurer"),
    path("lecteurs/", people.readers, name="readers"),
    path("healthz", people.alive),
    re_path(r"^static/(?P<path>(?:css/[a-z]+\.css|icons\.svg|mark\.svg))$", people.style),
]
