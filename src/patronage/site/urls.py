"""Which address shows what: the pages of no stage, the API, then each stage's own pages."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from patronage.site import open_id, pages
from patronage.site.api import STAGES, api
from patronage.site.entry import LogIn, SecondStep

urlpatterns = [
    path("", pages.home, name="home"),
    path("login", LogIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(next_page="login"), name="logout"),
    path("search", pages.search, name="search"),
    path("search/names", pages.customer_names, name="customer-names"),
    path("charts/vega-<str:version>.js", pages.chart_script, name="chart-library"),
    path("login/code", SecondStep.as_view(), name="login-code"),
    path("login/service", open_id.ask, name="login-service"),
    path("login/service/answer", open_id.answer, name="login-service-answer"),
    path("profile", pages.profile, name="profile"),
    path("profile/password", pages.change_password, name="change-password"),
    path("profile/second-factor", pages.add_second_factor, name="add-second-factor"),
    path(
        "profile/second-factor/confirmation",
        pages.confirm_second_factor,
        name="confirm-second-factor",
    ),
    path("profile/second-factor/removal", pages.drop_second_factor, name="drop-second-factor"),
    path("profile/recovery-codes", pages.renew_recovery_codes, name="renew-recovery-codes"),
    path("people", pages.people, name="people"),
    path("people/new", pages.add_person, name="add-person"),
    path("people/<str:user_id>", pages.person, name="person"),
    path("people/<str:user_id>/roles", pages.grant_role, name="grant-role"),
    path("people/<str:user_id>/roles/revocation", pages.revoke_role, name="revoke-role"),
    path("people/<str:user_id>/closure", pages.close_account, name="close-account"),
    path("people/<str:user_id>/reopening", pages.reopen_account, name="reopen-account"),
    path("people/<str:user_id>/password", pages.reset_password, name="reset-password"),
    path(
        "people/<str:user_id>/second-factor/removal",
        pages.remove_second_factor,
        name="remove-second-factor",
    ),
    path("roles", pages.roles, name="roles"),
    path("keys", pages.keys, name="keys"),
    path("keys/new", pages.create_key, name="create-key"),
    path("keys/<str:key_id>/rotation", pages.rotate_key, name="rotate-key"),
    path("keys/<str:key_id>/revocation", pages.revoke_key, name="revoke-key"),
    path("audit", pages.audit_log, name="audit"),
    path("audit.csv", pages.audit_csv, name="audit-csv"),
    path("audit/verification", pages.verify_audit_log, name="verify-audit-log"),
    path("audit/checkpoint", pages.export_checkpoint, name="export-checkpoint"),
    path("language/", include("django.conf.urls.i18n")),
    path("api/v1/", api.urls),
]
# a stage without screens has no `urls.py`
urlpatterns += [
    path("", include(f"patronage.{stage}.urls"))
    for stage in STAGES
    if find_spec(f"patronage.{stage}.urls") is not None
]

handler404 = "patronage.site.failures.page_not_found"
handler500 = "patronage.site.failures.server_failed"
