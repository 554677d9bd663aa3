"""`capabilities measure` and `bisect`: what releases of the SDKs do."""
