"""What becomes of personal values before they are written: hashed, masked, encrypted or dropped."""
