from django.urls import path

from shop.accounts import views

urlpatterns = [
    path("users/", views.RegisterView.as_view(), name="user-list"),
    path("users/me/", views.MeView.as_view(), name="user-me"),
]
