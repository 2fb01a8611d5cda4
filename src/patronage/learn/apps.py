"""Registers the stage with Django."""

from django.apps import AppConfig


class LearnConfig(AppConfig):
    name = "patronage.learn"
    label = "learn"
    default_auto_field = "django.db.models.BigAutoField"
