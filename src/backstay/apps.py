"""The Django app: add ``"backstay"`` to ``INSTALLED_APPS`` to have its checks run."""

from django.apps import AppConfig
from django.core.checks import register


class BackstayConfig(AppConfig):
    name = "backstay"
    verbose_name = "backstay"

    def ready(self) -> None:
        from backstay import checks
        from backstay.auth import checks as auth_checks
        from backstay.caching import checks as cache_checks
        from backstay.errors import checks as error_checks
        from backstay.monitoring import checks as monitoring_checks
        from backstay.pagination import checks as list_checks
        from backstay.readplan import checks as readplan_checks
        from backstay.throttling import checks as throttle_checks
        from backstay.versioning import checks as version_checks

        for check in (
            checks.check_setting_names,
            checks.check_setting_values,
            checks.check_sqlite_transactions,
            auth_checks.check_keys,
            auth_checks.check_store,
            throttle_checks.check_rates,
            throttle_checks.check_shared,
            throttle_checks.check_outage_policies,
            throttle_checks.check_logins,
            cache_checks.check_audiences,
            cache_checks.check_workers,
            cache_checks.check_installed,
            error_checks.check_error_formatter,
            error_checks.check_error_middleware,
            error_checks.check_csrf_view,
            monitoring_checks.check_middleware,
            readplan_checks.check_queries_for_each,
            readplan_checks.check_all_fields,
            readplan_checks.check_relations,
            list_checks.check_cursor_indexes,
            list_checks.check_filter_indexes,
            list_checks.check_bounds,
            list_checks.check_orders,
            readplan_checks.check_order,
            version_checks.check_policy,
            version_checks.check_transforms,
            version_checks.check_middleware,
        ):
            register(check)
        for check in (
            auth_checks.check_key_file,
            auth_checks.check_sessions,
            cache_checks.check_pickle,
            monitoring_checks.check_metrics_token,
            throttle_checks.check_proxies,
            throttle_checks.check_eviction,
            version_checks.check_default,
        ):
            register(check, deploy=True)
