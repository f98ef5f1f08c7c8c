"""API addresses of evaluation."""

from django.urls import path

from evaluation import api, api_checks, api_exports

P = "projects/<slug:slug>/"
urlpatterns = [
    path(f"{P}datasets/", api.Datasets.as_view(), name="api-datasets"),
    path(f"{P}datasets/<int:pk>/", api_exports.OneDataset.as_view(), name="api-dataset"),
    path(f"{P}datasets/<int:pk>/schedule/", api.ScheduleView.as_view(), name="api-schedule"),
    path(f"{P}datasets/<int:pk>/refreshes/", api.Refreshes.as_view(), name="api-refreshes"),
    path(f"{P}refreshes/<int:pk>/", api.OneRefresh.as_view(), name="api-refresh"),
    path(f"{P}versions/", api.Versions.as_view(), name="api-versions"),
    path(f"{P}versions/<int:pk>/", api.OneVersion.as_view(), name="api-version"),
    path(f"{P}coverage/", api.Coverage.as_view(), name="api-coverage"),
    path(f"{P}versions/<int:pk>/coverage/", api.VersionCoverage.as_view(), name="api-version-coverage"),
    path(f"{P}versions/<int:pk>/verify/", api.VerifyVersion.as_view(), name="api-verify"),
    path(f"{P}versions/preview/", api_checks.Preview.as_view(), name="api-preview"),
    path(f"{P}versions/<int:pk>/leaks/", api_checks.VersionLeaks.as_view(), name="api-version-leaks"),
    path(f"{P}versions/<int:pk>/diff/", api_checks.VersionDiff.as_view(), name="api-version-diff"),
    path(f"{P}datasets/<int:pk>/retired/", api_checks.Retirements.as_view(), name="api-retired"),
    path(f"{P}checks/<int:pk>/", api_checks.OneCheck.as_view(), name="api-check"),
    path(f"{P}checks/<int:pk>/pairs/", api_checks.CheckPairs.as_view(), name="api-check-pairs"),
    path("leaks/", api_checks.Uploads.as_view(), name="api-uploads"),
    path("leaks/<int:pk>/", api_checks.OneUpload.as_view(), name="api-upload"),
    path("leaks/<int:pk>/pairs/", api_checks.UploadPairs.as_view(), name="api-upload-pairs"),
    path(f"{P}versions/<int:pk>/examples/", api.Examples.as_view(), name="api-examples"),
    path(f"{P}versions/<int:pk>/export/", api_exports.ExportNow.as_view(), name="api-export-now"),
    path(f"{P}versions/<int:pk>/exports/", api_exports.ExportsOfVersion.as_view(), name="api-exports-of-version"),
    path(f"{P}exports/", api_exports.Exports.as_view(), name="api-exports"),
    path(f"{P}exports/<int:pk>/", api_exports.OneExport.as_view(), name="api-export"),
    path(f"{P}exports/<int:pk>/file/", api_exports.ExportFile.as_view(), name="api-export-file"),
    path(f"{P}boards/", api.Benchmarks.as_view(), name="api-boards"),
    path(f"{P}boards/<int:pk>/", api.Leaderboard.as_view(), name="api-board"),
    path(f"{P}boards/<int:pk>/submissions/", api.Submissions.as_view(), name="api-board-submissions"),
    path(f"{P}submissions/<int:pk>/", api.OneSubmission.as_view(), name="api-submission"),
    path(f"{P}submissions/<int:pk>/score/", api.ScoreAgain.as_view(), name="api-submission-score"),
]
