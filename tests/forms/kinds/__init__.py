"""The block types."""
