"""The lab: run decisions and kits on this machine with real servers, proxies and clients."""
