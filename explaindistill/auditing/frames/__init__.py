"""The frames of an audit: each file here has ``FRAMES``, the names of its frames, and ``measure``, which makes them."""
