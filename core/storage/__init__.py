"""Files and folders: backups, locks, and forms of records."""
