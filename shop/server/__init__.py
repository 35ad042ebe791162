"""The production server: gunicorn's threads behind a worker that waits for slow clients."""
