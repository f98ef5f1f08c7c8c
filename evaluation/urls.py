"""Addresses of evaluation."""

from django.urls import path

from evaluation.views import boards, coverage, refreshes, versions

app_name = "evaluation"
urlpatterns = [
    path("p/<slug:slug>/datasets/", versions.datasets, name="datasets"),
    path("p/<slug:slug>/datasets/freeze/", versions.freeze, name="freeze"),
    path("p/<slug:slug>/coverage/", coverage.coverage, name="coverage"),
    path("p/<slug:slug>/versions/<int:pk>/coverage/", coverage.version_coverage, name="version_coverage"),
    path("p/<slug:slug>/versions/<int:pk>/", versions.version, name="version"),
    path("p/<slug:slug>/versions/<int:pk>/progress/", versions.version_progress, name="version_progress"),
    path("p/<slug:slug>/versions/<int:pk>/cancel/", versions.cancel_freeze, name="cancel_freeze"),
    path("p/<slug:slug>/versions/<int:pk>/examples/", versions.examples, name="examples"),
    path("p/<slug:slug>/versions/<int:pk>/export/", versions.download, name="export"),
    path("p/<slug:slug>/boards/<int:pk>/", boards.board, name="board"),
    path("p/<slug:slug>/boards/<int:pk>/submit/", boards.submit, name="submit"),
    path("p/<slug:slug>/submissions/<int:pk>/", boards.submission, name="submission"),
    path("p/<slug:slug>/submissions/<int:pk>/progress/", boards.submission_progress, name="submission_progress"),
    path("p/<slug:slug>/submissions/<int:pk>/withdraw/", boards.withdraw, name="withdraw_submission"),
    path("p/<slug:slug>/submissions/<int:pk>/score/", boards.score_again, name="score_again"),
    path("p/<slug:slug>/refresh/", refreshes.refreshes, name="refreshes"),
    path("p/<slug:slug>/refresh/datasets/<int:pk>/schedule/", refreshes.schedule, name="schedule"),
    path("p/<slug:slug>/refresh/datasets/<int:pk>/now/", refreshes.refresh_now, name="refresh_now"),
    path("p/<slug:slug>/refresh/<int:pk>/", refreshes.refresh, name="refresh"),
    path("p/<slug:slug>/refresh/<int:pk>/progress/", refreshes.refresh_progress, name="refresh_progress"),
    path("p/<slug:slug>/refresh/<int:pk>/cancel/", refreshes.cancel_refresh, name="cancel_refresh"),
]
