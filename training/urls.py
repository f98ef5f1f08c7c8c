"""Addresses of training."""

from django.urls import path

from training.views import runs

app_name = "training"
urlpatterns = [
    path("p/<slug:slug>/runs/", runs.runs, name="runs"),
    path("p/<slug:slug>/versions/<int:pk>/run/", runs.start, name="start"),
    path("p/<slug:slug>/runs/<int:pk>/", runs.run, name="run"),
    path("p/<slug:slug>/runs/<int:pk>/progress/", runs.run_progress, name="run_progress"),
    path("p/<slug:slug>/runs/<int:pk>/cancel/", runs.cancel, name="cancel_run"),
    path("p/<slug:slug>/runs/<int:pk>/again/", runs.again, name="run_again"),
    path("p/<slug:slug>/runs/<int:pk>/log/", runs.log, name="run_log"),
    path("p/<slug:slug>/runs/<int:pk>/manifest.json", runs.manifest, name="run_manifest"),
]
