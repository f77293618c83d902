"""Checks, one in each file; `validation.check.all_checks` finds them."""
