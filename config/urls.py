"""All addresses; the apps' own lists are included by name, so that nothing here imports an app."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

urlpatterns = [
    path("", include("annotation.urls")),
    path("", include("evaluation.urls")),
    path("", include("training.urls")),
    path("language/", set_language, name="set_language"),
    path("api/v1/", include("config.api_urls")),
    # One door, with its limit on wrong passwords.
    path("admin/login/", RedirectView.as_view(pattern_name="annotation:sign_in", query_string=True)),
    path("admin/", admin.site.urls),
]
