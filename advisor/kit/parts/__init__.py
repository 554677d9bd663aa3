"""The parts of a kit. Each part is a module with `files(context) -> list[KitFile]`."""
