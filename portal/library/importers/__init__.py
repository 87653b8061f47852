"""Other ways in: files of other kinds, read into the native form with every loss named."""
