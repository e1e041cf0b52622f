"""One-line faults that a named test must find: tests of the tests."""
