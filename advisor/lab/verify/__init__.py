"""`verify`: what a kit should do, compared with what clients observe."""
