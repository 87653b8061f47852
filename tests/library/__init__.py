"""The library: readings and exercises, their forms, versions and the starter texts."""
