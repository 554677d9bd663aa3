"""A kit's servers, proxies and Redis on loopback, and the traffic to them."""
