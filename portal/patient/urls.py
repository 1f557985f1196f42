from django.urls import path

from portal.patient import care, documents, home, people, traces

app_name = "patient"

urlpatterns = [
    path("mon-dmp/", home.home, name="home"),
    path("mon-dmp/documents/", documents.contents, name="documents"),
    path("mon-dmp/documents/<uuid:document_id>/", documents.read, name="document"),
    path("mon-dmp/documents/<uuid:document_id>/page/<int:number>/", documents.page, name="page"),
    path("mon-dmp/documents/<uuid:document_id>/fichier/", documents.original, name="original"),
    path("mon-dmp/soins/", care.care, name="care"),
    path("mon-dmp/soins/import/", care.follow, name="import"),
    path("mon-dmp/acces/", traces.traces, name="traces"),
    path("mon-dmp/soignants/", people.people, name="people"),
    path("mon-dmp/soignants/<uuid:grant_id>/retirer/", people.withdraw, name="withdraw"),
]
