"""`topology measure`: measures the effect of each load-balancing strategy on sessions."""
