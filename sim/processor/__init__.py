"""The host's processor, as a driver that is made of Python does not have it: what its work takes, and when stores into
shared memory are seen.

docs/decisions/0018-a-checker-of-drivers.md says what is modelled. Only hosts that ask for it have one.
"""
