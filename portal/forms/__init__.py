"""Forms: the pure engine of questionnaires. No database, no viewer and no HTTP is in sight."""
