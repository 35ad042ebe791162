"""A production layer over Django REST Framework."""
