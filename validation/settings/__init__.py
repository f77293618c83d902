"""What configurations, options and their documentation mean, against plain tables."""
