"""Local AWS: moto, pinned exactly, with our own HTTP server before it and our repairs in it."""
