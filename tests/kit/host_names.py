"""Host names and addresses that the requirements allow, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from advisor.requirements.text import as_sent

_LABEL = r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?"
_PORT = r"(:[1-9][0-9]{0,3})?"
_NAMES = st.from_regex(rf"({_LABEL}\.){{0,3}}{_LABEL}{_PORT}", fullmatch=True)
_IPV6 = st.builds("[{}]{}".format, st.ip_addresses(v=6), st.from_regex(_PORT, fullmatch=True)).map(as_sent)
HOSTS = st.lists(_NAMES | _IPV6, max_size=4, unique=True)
