from django.urls import path

from . import care, deposit, documents, dossier, finding, signing_in

app_name = "professional"

DOSSIER = "pro/dossiers/<uuid:dossier_id>/"
DOCUMENT = DOSSIER + "documents/<uuid:document_id>/"

urlpatterns = [
    path("pro/connexion/", signing_in.sign_in, name="sign_in"),
    path("pro/psc/", signing_in.start, name="psc_start"),
    path("pro/psc/retour/", signing_in.come_back, name="psc_return"),
    path("pro/situation/", signing_in.practice, name="practice"),
    path("pro/", finding.search, name="search"),
    path(DOSSIER, dossier.dossier, name="dossier"),
    path(DOSSIER + "accord/", dossier.agreement, name="agreement"),
    path(DOSSIER + "soins/", care.care, name="care"),
    path(DOSSIER + "deposer/", deposit.deposit, name="deposit"),
    path(DOSSIER + "deposer/<uuid:document_id>/", deposit.receipt, name="receipt"),
    path(DOCUMENT, documents.document, name="document"),
    path(DOCUMENT + "page/<int:number>/", documents.page, name="page"),
    path(DOCUMENT + "fichier/", documents.original, name="original"),
]
