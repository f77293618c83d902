"""What pictures, texts and pages say, read back and compared with the numbers."""
