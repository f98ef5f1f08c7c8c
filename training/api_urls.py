"""API addresses of training."""

from django.urls import path

from training import api

P = "projects/<slug:slug>/"
urlpatterns = [
    path(f"{P}recipes/", api.Recipes.as_view(), name="api-recipes"),
    path(f"{P}runs/", api.Runs.as_view(), name="api-runs"),
    path(f"{P}runs/<int:pk>/", api.OneRun.as_view(), name="api-run"),
    path(f"{P}runs/<int:pk>/curve/", api.RunCurve.as_view(), name="api-run-curve"),
    path(f"{P}runs/<int:pk>/log/", api.RunLog.as_view(), name="api-run-log"),
    path(f"{P}runs/<int:pk>/again/", api.RunAgain.as_view(), name="api-run-again"),
]
