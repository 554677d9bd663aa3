"""`verify`: compares the expected behaviour of a kit with the behaviour that clients observe."""
