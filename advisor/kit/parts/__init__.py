"""The parts of a kit, one module each: `files(context) -> list[KitFile]`."""
