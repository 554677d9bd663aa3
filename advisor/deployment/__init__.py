"""The model of a deployment that already runs: its proxies, routes, workloads and services, as its files state them."""
