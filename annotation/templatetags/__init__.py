"""Words that the templates need."""
