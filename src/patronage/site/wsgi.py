"""The Django application as WSGI, for the server in front of it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patronage.site.settings")
application = get_wsgi_application()
