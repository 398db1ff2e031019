"""The cases, a file for each part of what a driver owes."""
