"""`verify --load` and the capacity data: what a process carries."""
