"""Addresses of evaluation."""

from django.urls import path

from evaluation.views import boards, coverage, datasets, exports, refreshes, versions

app_name = "evaluation"
urlpatterns = [
    path("p/<slug:slug>/datasets/", versions.datasets, name="datasets"),
    path("p/<slug:slug>/datasets/freeze/", versions.freeze, name="freeze"),
    path("p/<slug:slug>/coverage/", coverage.coverage, name="coverage"),
    path("p/<slug:slug>/versions/<int:pk>/coverage/", coverage.version_coverage, name="version_coverage"),
    path("p/<slug:slug>/datasets/<int:pk>/", datasets.dataset, name="dataset"),
    path("p/<slug:slug>/versions/<int:pk>/", versions.version, name="version"),
    path("p/<slug:slug>/versions/<int:pk>/progress/", versions.version_progress, name="version_progress"),
    path("p/<slug:slug>/versions/<int:pk>/cancel/", versions.cancel_freeze, name="cancel_freeze"),
    path("p/<slug:slug>/versions/<int:pk>/examples/", versions.examples, name="examples"),
    path("p/<slug:slug>/versions/<int:pk>/export/", exports.export_now, name="export_now"),
    path("p/<slug:slug>/exports/", exports.exports, name="exports"),
    path("p/<slug:slug>/exports/<int:pk>/", exports.export, name="export"),
    path("p/<slug:slug>/exports/<int:pk>/progress/", exports.export_progress, name="export_progress"),
    path("p/<slug:slug>/exports/<int:pk>/cancel/", exports.cancel_export, name="cancel_export"),
    path("p/<slug:slug>/exports/<int:pk>/again/", exports.export_again, name="export_again"),
    path("p/<slug:slug>/exports/<int:pk>/remove/", exports.remove_export, name="remove_export"),
    path("p/<slug:slug>/exports/<int:pk>/file/", exports.export_file, name="export_file"),
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
