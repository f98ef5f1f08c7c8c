"""The API's addresses: each app's list, the schema and its page."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.errors import Nowhere

urlpatterns = [
    path("", include("annotation.api_urls")),
    path("", include("evaluation.api_urls")),
    path("", include("training.api_urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    # With the slash alone: one that is missing is still redirected.
    re_path(r"^.*/$", Nowhere.as_view()),
]
