"""Pages of annotation, one module per subject; each view checks the right, calls one domain function, shows the result."""
