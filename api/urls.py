from django.urls import path

from .views import TokenView, WhoAmIView

app_name = "api"

urlpatterns = [
    path("oauth/token", TokenView.as_view(), name="token"),
    path("api/whoami", WhoAmIView.as_view(), name="whoami"),
]
