"""Pages of evaluation, one module per subject."""
