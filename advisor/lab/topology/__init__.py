"""`topology measure`: what each way of balancing does to sessions."""
