"""A checker of a driver in another process, of which register accesses and memory are all that is seen.

docs/decisions/0028-somebody-elses-driver.md says what may be told of it without doubt.
"""
