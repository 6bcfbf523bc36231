"""Ways of distilling beyond answers alone: each module is a plug-in that changes what the student learns from."""
