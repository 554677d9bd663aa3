"""`verify --load` and the capacity data: what one process carries."""
