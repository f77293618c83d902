"""Files of any content, written byte by byte or with plain libraries, and what is read from them."""
