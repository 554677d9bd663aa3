"""`verify`: what a kit promises, beside what clients observe."""
