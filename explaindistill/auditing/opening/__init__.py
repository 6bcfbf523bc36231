"""The opening of an audit: what was audited and what came out, in sentences whose figures know their origin."""
