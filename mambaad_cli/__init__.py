"""mambaad: find defects in pictures of products with one model for every category."""
