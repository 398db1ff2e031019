"""A card served to somebody else's driver: a PCI function on a Unix socket, by the vfio-user protocol."""
