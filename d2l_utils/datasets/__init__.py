"""Data that the chapters learn from."""
