"""The long ones: kills, parallel clients, and what a thief finds in the files."""
