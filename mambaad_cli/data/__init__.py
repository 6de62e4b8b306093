"""Datasets: where they come from, what is in them, and their pictures as arrays."""
