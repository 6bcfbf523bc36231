"""The opening of an audit held against its frames by code that shares nothing with its writer."""
