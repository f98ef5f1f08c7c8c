"""People and labels: everything that may still change."""
