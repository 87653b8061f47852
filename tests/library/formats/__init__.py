"""Files of other kinds, read into the native form."""
