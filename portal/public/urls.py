from django.urls import path

from portal.public import enrolment, pages, signing_in, waking

app_name = "public"

urlpatterns = [
    path("", pages.home, name="home"),
    path("aide/", pages.read, {"page": "help"}, name="help"),
    path("accessibilite/", pages.read, {"page": "accessibility"}, name="accessibility"),
    path("donnees-personnelles/", pages.read, {"page": "privacy"}, name="privacy"),
    path("mentions-legales/", pages.read, {"page": "legal"}, name="legal"),
    path("plan-du-site/", pages.read, {"page": "sitemap"}, name="sitemap"),
    path("connexion/", signing_in.sign_in, name="sign_in"),
    path("connexion/envoi/", signing_in.where, name="sign_in_where"),
    path("connexion/code/", signing_in.code, name="sign_in_code"),
    path("connexion/mot-de-passe/", signing_in.first_password, name="first_password"),
    path("connexion/eveil/", waking.asleep, name="asleep"),
    path("connexion/eveil/rien-recu/", waking.nothing_received, name="nothing_received"),
    path("deconnexion/", signing_in.sign_out, name="sign_out"),
    path("session/", pages.still_in, name="still_in"),
    path("deconnexion/faite/", pages.read, {"page": "signed_out"}, name="signed_out"),
    path("ouvrir/", enrolment.start, name="enrol"),
    path("ouvrir/numero/", enrolment.ask, {"question": enrolment.NIR}, name="enrol_nir"),
    path("ouvrir/nom/", enrolment.ask, {"question": enrolment.NAME}, name="enrol_name"),
    path("ouvrir/naissance/", enrolment.ask, {"question": enrolment.BIRTH}, name="enrol_birth"),
    path("ouvrir/carte/", enrolment.ask, {"question": enrolment.CARD}, name="enrol_card"),
    path("ouvrir/relire/", enrolment.review, name="enrol_review"),
    path("ouvrir/guichet/", enrolment.counter, name="enrol_counter"),
    path("ouvrir/attente/", enrolment.unreachable, name="enrol_unreachable"),
    path("ouvrir/envoi/", enrolment.channel, name="enrol_channel"),
    path("ouvrir/code/", enrolment.code, name="enrol_code"),
    path("ouvrir/existe/", enrolment.exists, name="enrol_exists"),
    path("ouvrir/acces/", enrolment.login, name="enrol_login"),
    path("ouvrir/joindre/", enrolment.contact, name="enrol_contact"),
    path("ouvrir/joindre/code/", enrolment.contact_code, name="enrol_contact_code"),
    path("ouvrir/information/", enrolment.read_information, name="enrol_information"),
    path("ouvrir/accord/", enrolment.consent, name="enrol_consent"),
    path("ouvrir/renoncer/", enrolment.give_up, name="enrol_give_up"),
]
