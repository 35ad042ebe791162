from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shop.accounts import organization_views, views

router = SimpleRouter(use_regex_path=False)
router.register("users", views.UserViewSet, basename="user")
router.register("organizations", organization_views.OrganizationViewSet, basename="organization")
router.register("teams", organization_views.TeamViewSet, basename="team")

parts = SimpleRouter(use_regex_path=False)
parts.register("members", organization_views.MemberViewSet, basename="member")
parts.register("invitations", organization_views.InvitationViewSet, basename="invitation")

urlpatterns = [
    path("users/me/", views.MeView.as_view(), name="user-me"),
    path("users/me/password/", views.PasswordView.as_view(), name="user-password"),
    path(
        "invitations/accept/",
        organization_views.AcceptInvitationView.as_view(),
        name="invitation-accept",
    ),
    path("", include(router.urls)),
    path("organizations/<int:organization_id>/", include(parts.urls)),
]
