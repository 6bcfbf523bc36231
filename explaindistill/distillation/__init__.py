"""Room distillation."""
