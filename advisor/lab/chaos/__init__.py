"""`verify --chaos`: inject faults into a fleet and observe its clients."""
