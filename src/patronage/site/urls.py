"""Which address shows what: the pages of no stage, the API, then each stage's own pages."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from patronage.site import pages
from patronage.site.api import STAGES, api
from patronage.site.entry import LogIn

urlpatterns = [
    path("", pages.home, name="home"),
    path("login", LogIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(next_page="login"), name="logout"),
    path("search", pages.search, name="search"),
    path("charts/vega-<str:version>.js", pages.chart_script, name="chart-library"),
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
