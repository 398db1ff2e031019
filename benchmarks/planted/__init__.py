"""Drivers with one fault each, which the checker of drivers must find: what `ringbed bench drivers` and tests take."""
