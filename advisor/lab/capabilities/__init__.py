"""`capabilities measure` and `capabilities bisect`: measurements of feature support in SDK releases."""
