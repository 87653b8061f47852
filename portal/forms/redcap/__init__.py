"""REDCap data dictionaries, read into forms."""
