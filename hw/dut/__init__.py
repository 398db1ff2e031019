"""What stands around someone's own RTL so that every engine can drive it: bridges from its buses to ours."""
