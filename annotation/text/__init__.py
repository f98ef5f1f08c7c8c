"""What may be done to a text before a person sees it, and the keys by which texts are found and compared; pure."""
