"""Runtime library of the function images: what every domain needs and no domain owns."""
