"""
Django settings of the service, all derived from its typed environment.

Production is the default: nothing here is weakened unless ``DEBUG`` is on.
Values that differ between deployments come from ``shop.environment`` only.
"""

from dataclasses import asdict
from importlib.util import find_spec

from corsheaders.defaults import default_headers

from backstay.contrib.structlog import configure as configure_structlog
from shop import logs
from shop.connections import cache_settings, database_settings, mail_settings
from shop.development_key import development_key
from shop.documents import API_DESCRIPTION, API_TAGS
from shop.environment import ROOT, VAR, Environment

ENVIRONMENT = Environment.from_process()

BASE_DIR = ROOT
DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key or development_key(VAR / "development-key")

# --- what runs ------------------------------------------------------------------

DEBUG_TOOLBAR = DEBUG and find_spec("debug_toolbar") is not None

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "backstay",
    "backstay.auth.sessions",
    "backstay.idempotency",
    "backstay.outbox",
    "backstay.caching",
    "backstay.monitoring.dashboard",
    "shop",
    "shop.accounts",
    "shop.catalog",
    "shop.orders",
    "shop.articles",
    *(["debug_toolbar"] if DEBUG_TOOLBAR else []),
]

MIDDLEWARE = [
    # Outermost: it measures whatever answers, and answers nothing itself.
    "backstay.monitoring.MonitoringMiddleware",
    # It gives every request its id, and every error the one shape.
    "backstay.errors.ProblemMiddleware",
    # It tells of limits on whatever answer comes from further in.
    "backstay.throttling.RateLimitMiddleware",
    # And it of the end of a version.
    "backstay.versioning.VersionMiddleware",
    "shop.middleware.ForwardedProtoMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Before anything that may answer, so that errors carry the CORS headers too.
    "corsheaders.middleware.CorsMiddleware",
    *(["debug_toolbar.middleware.DebugToolbarMiddleware"] if DEBUG_TOOLBAR else []),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

# On the admin's pages; the dashboard's policy allows it no script, and an API call costs and
# answers what it does in production.
DEBUG_TOOLBAR_CONFIG = {
    "SHOW_TOOLBAR_CALLBACK": lambda request: (
        request.META["REMOTE_ADDR"] in {"127.0.0.1", "::1"} and request.path.startswith("/admin/")
    ),
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- where things are kept ------------------------------------------------------

DATABASES = {"default": database_settings(ENVIRONMENT.database)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache_settings(ENVIRONMENT.redis_url)}

# WhiteNoise serves each app's own static files: no collectstatic, no second
# server. They are listed once at start; only those files can be asked for.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600

globals().update(mail_settings(ENVIRONMENT.mail))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = "Shop <no-reply@shop.example>"

# --- money ----------------------------------------------------------------------

PAYMENT_PROVIDER = "shop.orders.payments.InProcess"

# --- accounts -------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"

# The first makes new hashes; the others verify old ones, which are then replaced.
PASSWORD_HASHERS = [
    "shop.hashers.OwaspArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]

NAMES = ("email", "first_name", "last_name")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": NAMES}),
        ("MinimumLengthValidator", {"min_length": 8}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]

# --- the HTTP edge --------------------------------------------------------------

ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
APPEND_SLASH = True
CSRF_FAILURE_VIEW = "backstay.errors.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.csrf_trusted_origins)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = not DEBUG
X_FRAME_OPTIONS = "DENY"

# TLS ends at the proxy, which redirects; a redirect here would answer its
# health checks with 301. HSTS is sent on secure requests only.
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000
# ``ForwardedProtoMiddleware`` has taken the header from whoever is no trusted proxy.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # TLS ends at the proxy.
    "security.W005",  # Whether subdomains speak TLS is for the domain's owner to say,
    "security.W021",  # and so is the browsers' preload list.
]

# Origins are listed in full, never a wildcard, so credentials may be allowed.
CORS_ALLOWED_ORIGINS = list(ENVIRONMENT.cors_allowed_origins)
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [
    *default_headers,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "Age",
    "Cache-Status",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Sunset",
    "X-Request-ID",
]

# --- language, time, logs -------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = logs.configuration(ENVIRONMENT.log_format)
configure_structlog()

# --- the API --------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "backstay.auth.JWTAuthentication",
        "backstay.auth.CookieAuthentication",
        "backstay.auth.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["backstay.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_VERSIONING_CLASS": "backstay.versioning.AnyVersioning",
    "DEFAULT_PAGINATION_CLASS": "backstay.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "backstay.contrib.spectacular.AutoSchema",
    # What a call charges; logging in, refreshing and registering have limits of their own.
    "DEFAULT_THROTTLE_CLASSES": [
        "backstay.throttling.AnonRateThrottle",
        "backstay.throttling.UserRateThrottle",
        "backstay.throttling.OrganizationThrottle",
        "backstay.throttling.SearchRateThrottle",
        "backstay.throttling.ScopedRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": "60/hour",
        "user": "1000/hour",
        "login": "5/minute",
        "register": "10/hour",
        "refresh": "60/minute",
        "search": "30/minute",
        "export": "10/hour",
        "auth_failure": "60/minute",
        **ENVIRONMENT.throttle_rates,
    },
    "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

BACKSTAY = {
    "ISSUER": "shop",
    "AUDIENCE": "shop",
    "AUTH_KEYS": str(ENVIRONMENT.auth_keys) if ENVIRONMENT.auth_keys else None,
    "TOKEN_CLAIMS": "shop.accounts.tokens.claims",
    "TOKEN_USER": "shop.accounts.tokens.user_of",
    "REDIS_URL": ENVIRONMENT.redis_url,
    # Where somebody develops, no query for each row goes unseen.
    "QUERY_WATCH_SHARE": 1.0 if DEBUG else 0.01,
    "METRICS_TOKEN": ENVIRONMENT.metrics_token,
    "WORKERS": ENVIRONMENT.web_concurrency,
    "TRUSTED_PROXIES": [str(network) for network in ENVIRONMENT.trusted_proxies],
    "VERSIONS": ("v1", "v2"),
    "VERSION_POLICIES": {name: asdict(ends) for name, ends in ENVIRONMENT.api_versions.items()},
    "CONTRACTS": BASE_DIR / "contracts",
    "DOCUMENTS": VAR / "documents",
    "DOCUMENT_EXAMPLES": BASE_DIR / "shop" / "examples.json",
    "OUTBOX_RELAY": "backstay.contrib.celery.CeleryRelay"
    if ENVIRONMENT.celery_broker_url
    else None,
    "PLAN_RATES": {
        "free": "100/hour",
        "pro": "5000/hour",
        "enterprise": "50000/hour",
        **ENVIRONMENT.plan_rates,
    },
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Shop API",
    "DESCRIPTION": API_DESCRIPTION,
    "TAGS": API_TAGS,
    "VERSION": None,  # Each document has the API's version.
    "OAS_VERSION": "3.1.0",
    # What is sent and what is answered differ in what has to be there.
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/(v[0-9]+)?",
    "ENUM_NAME_OVERRIDES": {
        "MemberRole": "shop.accounts.models.Membership.Role",
        "OrderStatus": "shop.orders.models.Order.Status",
        "PaymentStatus": "shop.orders.models.Payment.Status",
        "PaymentMethod": "shop.orders.models.Payment.Method",
    },
    "PREPROCESSING_HOOKS": ["shop.api.documented"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "backstay.contrib.spectacular.examples.add_examples",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    # A choice of the version in the page's bar. In JavaScript: a layout is no JSON.
    "SWAGGER_UI_SETTINGS": """{
        deepLinking: true,
        layout: "StandaloneLayout",
        presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
        urls: [
            {url: "/api/schema/?version=v2", name: "v2"},
            {url: "/api/schema/?version=v1", name: "v1"},
        ],
    }""",
    # The system's fonts: the page loads nothing from another host.
    "REDOC_UI_SETTINGS": {"theme": {"typography": {"fontFamily": "system-ui, sans-serif"}}},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
