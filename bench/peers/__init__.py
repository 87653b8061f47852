"""Other frameworks doing the portal's work on the portal's rows, each in an environment of its own."""
