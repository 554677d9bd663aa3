"""Reads the code of TypeScript and JavaScript servers without running it. Needs the extra `scan-ts`."""
