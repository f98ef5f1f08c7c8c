"""API addresses of annotation."""

from django.urls import path

from annotation import api

urlpatterns = [
    path("me/", api.Me.as_view(), name="api-me"),
    path("projects/", api.Projects.as_view(), name="api-projects"),
    path("projects/<slug:slug>/", api.OneProject.as_view(), name="api-project"),
    path("projects/<slug:slug>/progress/", api.ProgressView.as_view(), name="api-progress"),
    path("projects/<slug:slug>/progress/people/", api.People.as_view(), name="api-people"),
    path("projects/<slug:slug>/members/", api.Members.as_view(), name="api-members"),
    path("projects/<slug:slug>/members/<int:pk>/", api.OneMember.as_view(), name="api-member"),
    path("projects/<slug:slug>/members/<int:pk>/release/", api.ReleaseMember.as_view(), name="api-member-release"),
    path("projects/<slug:slug>/invitations/", api.Invitations.as_view(), name="api-invitations"),
    path("projects/<slug:slug>/invitations/<int:pk>/", api.OneInvitation.as_view(), name="api-invitation"),
    path("projects/<slug:slug>/guideline/", api.GuidelineView.as_view(), name="api-guideline"),
    path("projects/<slug:slug>/guideline/draft/", api.Draft.as_view(), name="api-guideline-draft"),
    path("projects/<slug:slug>/imports/", api.Imports.as_view(), name="api-imports"),
    path("projects/<slug:slug>/imports/<int:pk>/", api.OneImport.as_view(), name="api-import"),
    path("projects/<slug:slug>/imports/<int:pk>/refused/", api.RefusedRows.as_view(), name="api-import-refused"),
    path("projects/<slug:slug>/items/", api.Items.as_view(), name="api-items"),
    path("projects/<slug:slug>/annotations/", api.Annotations.as_view(), name="api-annotations"),
    path("projects/<slug:slug>/gold/", api.GoldList.as_view(), name="api-gold"),
    path("projects/<slug:slug>/gold/<int:pk>/", api.OneGold.as_view(), name="api-one-gold"),
    path("projects/<slug:slug>/label/", api.Labelling.as_view(), name="api-label"),
    path("projects/<slug:slug>/label/draft/", api.LabelDraft.as_view(), name="api-label-draft"),
    path("projects/<slug:slug>/label/mine/", api.Mine.as_view(), name="api-label-mine"),
    path("projects/<slug:slug>/my-work/", api.Work.as_view(), name="api-work"),
    path("projects/<slug:slug>/threads/", api.Threads.as_view(), name="api-threads"),
    path("projects/<slug:slug>/threads/<int:pk>/", api.OneThread.as_view(), name="api-thread"),
    path("projects/<slug:slug>/agreement/", api.AgreementView.as_view(), name="api-agreement"),
    path("projects/<slug:slug>/cases/", api.Cases.as_view(), name="api-cases"),
    path("projects/<slug:slug>/cases/<int:pk>/", api.OneCase.as_view(), name="api-case"),
    path("projects/<slug:slug>/settle/", api.Settle.as_view(), name="api-settle"),
]
