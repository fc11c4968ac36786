"""What keeps an installation in order: backups, and an end to what has been kept for long enough."""
