"""What programs that already call the portal may rely on."""
