"""Local AWS: moto, pinned exactly, behind our own HTTP server and with the repairs this package makes."""
