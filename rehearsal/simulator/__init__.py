"""AWS's API on the loopback address: moto, and what the Terraform AWS provider asks beyond it."""
