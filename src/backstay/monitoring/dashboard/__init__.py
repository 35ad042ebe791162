"""
A page for those who run the service: what it does now, what is slow, and what is stuck.

    INSTALLED_APPS = ["django.contrib.admin", …, "backstay", "backstay.monitoring.dashboard"]
    MIDDLEWARE = [..., "backstay.monitoring.MonitoringMiddleware", ...]
    urlpatterns = [path("ops/", include("backstay.monitoring.dashboard.urls")), ...]

For active staff with a session of the admin. It shows what ``backstay.monitoring.history``
knows, the limits, the jobs of ``backstay.outbox`` where that is installed, and lets staff
lift a block and retry a parked job. Each of these is a POST with proof against CSRF, one
log line of ``backstay.monitoring.dashboard`` and one entry of the admin's log.

The page loads nothing from elsewhere, runs no script and no style that stands in it, and
asks for one JSON document every two seconds, while somebody looks at it. Its own calls
charge no limit, are in no OpenAPI document and are not counted in what it shows.

Sources: Content Security Policy Level 3; WCAG 2.2.
"""
