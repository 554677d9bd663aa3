"""`verify --chaos`: what clients see when parts of a fleet fail."""
