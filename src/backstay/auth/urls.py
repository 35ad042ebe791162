"""
``path("api/token/", include("backstay.auth.urls"))``.

Logout and the list of sessions are there with the app ``backstay.auth.sessions``.
"""

from django.urls import path

from backstay.auth import cookie_views, views
from backstay.auth.issuing import sessions_installed

urlpatterns = [
    path("", views.TokenObtainPairView.as_view(), name="token-obtain"),
    path("refresh/", views.TokenRefreshView.as_view(), name="token-refresh"),
    path("verify/", views.TokenVerifyView.as_view(), name="token-verify"),
    path("cookie/", cookie_views.CookieLoginView.as_view(), name="token-cookie"),
    path("cookie/refresh/", cookie_views.CookieRefreshView.as_view(), name="token-cookie-refresh"),
    path("cookie/logout/", cookie_views.CookieLogoutView.as_view(), name="token-cookie-logout"),
]

if sessions_installed():
    from backstay.auth.sessions import views as sessions

    urlpatterns += [
        path("logout/", sessions.LogoutView.as_view(), name="token-logout"),
        path("logout-all/", sessions.LogoutAllView.as_view(), name="token-logout-all"),
        path("sessions/", sessions.SessionListView.as_view(), name="token-sessions"),
        path("sessions/<uuid:pk>/", sessions.SessionView.as_view(), name="token-session"),
    ]
