"""Pictures of what the network sees: overlays, scan paths, tables, reports."""
