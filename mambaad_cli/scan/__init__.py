"""The hybrid scan: where the network looks (orders) and how it remembers (kernels)."""
