"""Pure functions of arrays and callables that return one documented frame each."""
