"""What can be done with the library: write, publish, and the texts every practice begins with."""
