"""Reads what platforms say about a deployment: Kubernetes, Compose, images and Terraform. Runs and fetches nothing."""
