"""Configuration, registry, seeds, environment capture and errors: what everything else stands on."""
