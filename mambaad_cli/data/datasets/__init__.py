"""One file per dataset: how its folder becomes a table of samples."""
