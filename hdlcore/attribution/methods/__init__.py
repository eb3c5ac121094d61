"""Ways to attribute, a file each; the file's `METHOD` says what it claims, and adding one is adding a file."""
