from django.urls import path

from . import finding, signing_in

app_name = "professional"

urlpatterns = [
    path("pro/connexion/", signing_in.sign_in, name="sign_in"),
    path("pro/psc/", signing_in.start, name="psc_start"),
    path("pro/psc/retour/", signing_in.come_back, name="psc_return"),
    path("pro/situation/", signing_in.practice, name="practice"),
    path("pro/", finding.search, name="search"),
]
