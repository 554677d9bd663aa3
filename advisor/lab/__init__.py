"""The lab: the advice run for real on this machine, with real servers, proxies and clients."""
