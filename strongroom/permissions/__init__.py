"""Policies of IAM for people and pipelines: what each needs on a stack, and nothing else."""
