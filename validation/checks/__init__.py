"""One check a file; `validation.check.all_checks` finds them by itself."""
