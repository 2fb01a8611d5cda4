"""Registers the web pages' templates, static files and template tags with Django."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "patronage.site"
    label = "site"
