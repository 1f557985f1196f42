"""Work that must happen once, whatever crashes: PostgreSQL keeps it, Celery only rings the bell."""
