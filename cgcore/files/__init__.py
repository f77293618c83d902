"""File access: only regular files are read, without blocking, and files are written completely or not at all."""

from cgcore.files.records import differing_record
from cgcore.files.regular import open_regular, require_name
from cgcore.files.strict_yaml import read_yaml
from cgcore.files.writing import Group, atomic_group, atomic_path, atomic_write, check_writable

__all__ = [
    "Group",
    "atomic_group",
    "atomic_path",
    "atomic_write",
    "check_writable",
    "differing_record",
    "open_regular",
    "read_yaml",
    "require_name",
]
