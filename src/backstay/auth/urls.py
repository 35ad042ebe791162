"""``path("api/token/", include("backstay.auth.urls"))``."""

from django.urls import path

from backstay.auth import views

urlpatterns = [
    path("", views.TokenObtainPairView.as_view(), name="token-obtain"),
    path("refresh/", views.TokenRefreshView.as_view(), name="token-refresh"),
    path("verify/", views.TokenVerifyView.as_view(), name="token-verify"),
]
