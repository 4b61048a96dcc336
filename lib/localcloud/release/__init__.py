"""The release command: one image per domain, built once, pushed by content, named by digest."""
