"""Small scripts that make derived files; each has a test."""
