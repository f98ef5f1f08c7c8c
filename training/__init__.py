"""Systems: fine-tuned or prompted."""
