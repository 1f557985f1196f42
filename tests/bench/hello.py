"""A bare view without middleware: what the server itself can do. Everything else is a share of it."""

from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="nothing is signed", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[]
    )

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello world")


urlpatterns = [path("", hello)]
application = get_wsgi_application()
