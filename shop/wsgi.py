"""The WSGI application that ``manage.py serve`` and any other server loads."""

import os

from django.core.wsgi import get_wsgi_application

from backstay.errors.wsgi import tolerate_content_type

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = tolerate_content_type(get_wsgi_application())
