"""Faults of one line in cgcore, as in `seeded_fits`: archives, files on disk, records, stored factors."""

from __future__ import annotations

from fault_helpers import Faults, edited

from cgcore import archive, factor_file, serialize
from cgcore.archive import Archive
from cgcore.files import records, regular, temporaries, writing
from cgcore.files.arrays import Field
from cgcore.files.writing import Group
from validation.stored import stored_values, written_files

FAULTS: Faults = {
    name: ("files-on-disk", fault)
    for name, fault in {
        # Archives
        "one name twice": edited(archive, "_check_directory", "if times > 1]", "if times > 2]"),
        "encrypted arrays": edited(archive, "_check_directory", "info.flag_bits & _ENCRYPTED", "info.flag_bits & 0x1"),
        "arrays packed by any method": edited(
            archive,
            "_check_directory",
            "info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)",
            "info.compress_type not in (0, 8, 12)",
        ),
        "arrays that share their bytes": edited(
            archive, "_check_directory", "sum(info.compress_size for info in members) > size", "False"
        ),
        "no bound for packed arrays": edited(archive, "_check_directory", "info.file_size > most or", ""),
        "stored arrays of another size": edited(archive, "_check_directory", "not whole or", ""),
        "arrays beyond the file": edited(
            archive, "_check_directory", "not 0 <= info.header_offset <= size - info.compress_size - 30", "False"
        ),
        "an archive that is empty": edited(archive, "_check_directory", "if not members:", "if False:"),
        "a start of an archive": edited(archive, "_zip", 'magic[:2] == b"PK"', 'magic == b"PK"'),
        "folders are arrays": edited(Archive, "members", " if not info.is_dir()", ""),
        "keys that nobody knows": edited(archive, "load_arrays", " or not known(key)", ""),
        "files that are no arrays": edited(
            archive, "load_arrays", 'not info.filename.endswith(".npy") or not known(key)', "not known(key)"
        ),
        "the first array alone": edited(
            Archive, "require_loadable", "for header in headers:", "for header in headers[:1]:"
        ),
        "arrays one by one": edited(
            Archive,
            "require_loadable",
            "sum(header.nbytes for header in headers)",
            "max([0, *(header.nbytes for header in headers)])",
        ),
        "as much as is allowed": edited(Archive, "require_loadable", "total > LOADED_LIMIT", "total >= LOADED_LIMIT"),
        "small arrays that are packed well": edited(Archive, "require_loadable", "size > RATIO_FREE and ", ""),
        "constant masks": edited(Archive, "require_loadable", " and key not in empty", ""),
        "sizes in binary units": edited(archive, "_bytes", "1000**power", "1024**power"),
        "numbers for a text": edited(archive, "load_text", 'header.dtype.kind == "U" and ', ""),
        "texts of any length": edited(archive, "load_text", " and header.nbytes <= MOST_JSON", ""),
        "the first text": edited(
            archive, "load_text", 'if info.filename == f"{key}.npy" else None', "if True else None"
        ),
        "JSON of any length": edited(archive, "parse_json", "len(text) > MOST_JSON", "False"),
        "JSON with NaN": edited(archive, "parse_json", ", parse_constant=refuse", ""),
        # Files that are written
        "files for their owner alone": edited(temporaries.Temporary, "__init__", "0o666", "0o600"),
        "links that are replaced": edited(writing, "_target", "Path(os.path.realpath(path))", "Path(path)"),
        "devices": edited(writing, "_target", "_require_place(path)", "pass"),
        "links to devices": edited(writing, "_require_place", "if not os.path.islink(here):", "if True:"),
        "folders with devices": edited(
            writing, "_within", 'path == folder or path.startswith(folder + "/")', "path == folder"
        ),
        "shared memory": edited(writing, "_require_place", " and not _within(here, _REAL_PLACES)", ""),
        "folders are files": edited(written_files, "check_writable", "if not os.path.isdir(folder):", "if False:"),
        "folders that a question makes": edited(
            written_files,
            "check_writable",
            "folder = path.parent\n",
            "(folder := path.parent).mkdir(parents=True, exist_ok=True)\n",
        ),
        "a file for each addition": edited(Group, "add", "if target not in self._files:", "if True:"),
        "digests under full names": edited(Group, "digests", "os.path.relpath(target, here)", "str(target)"),
        "moved in any order": edited(
            Group,
            "commit",
            "for target, (path, file) in self._files.items()",
            "for target, (path, file) in reversed(self._files.items())",
        ),
        "each group by itself": edited(
            written_files, "atomic_group", "(outer := _group.get()) is not None", "(outer := None) is not None"
        ),
        "a suffix that is lost": edited(temporaries.Temporary, "__init__", "mine + target.suffix[:32]", "mine"),
        "files of processes that run": edited(temporaries, "remove_stale", ' and not _alive(int(name["pid"]))', ""),
        "files of other machines": edited(temporaries, "remove_stale", 'name["host"] == _host() and ', ""),
        "files that are old enough, kept": edited(
            temporaries, "remove_stale", "if not gone and time", "if not gone or time"
        ),
        "files in use, by others": edited(temporaries, "remove_stale", "if _locked(descriptor):", "if True:"),
        "files that stay after a crash": edited(Group, "add", "remove_stale(target.parent)", "pass"),
        # Files that are read, and records
        "one byte less than is allowed": edited(
            written_files, "open_regular", "status.st_size > limit", "status.st_size >= limit"
        ),
        "files of any size": edited(written_files, "open_regular", "limit is not None and", "False and"),
        "another file's digest": edited(
            written_files, "differing_record", "digests[here.name]", "next(iter(digests.values()))"
        ),
        "the last record is right": edited(
            written_files, "differing_record", "in said.values()", "== list(said.values())[-1]"
        ),
        "the last record is named": edited(written_files, "differing_record", "next(iter(said))", "list(said)[-1]"),
        "a pipe is a socket": edited(regular, "kind_of", "next((words for", "next((words[:8] for"),
        "digests in a list": edited(
            records, "_digests", "digests if isinstance(digests, dict) else {}", "{here: '' for here in digests or ()}"
        ),
        # Records in JSON, and declared arrays
        "names of numbers": edited(serialize, "plain", "return value.name", "return value.value"),
        "infinite numbers": edited(
            serialize, "plain", "if math.isfinite(value) else None", "if math.isfinite(value) else 0.0"
        ),
        "tuples without names": edited(serialize, "plain", "if as_dict is None else", "if True else"),
        "keys in quotes": edited(serialize, "plain", "str(plain(key))", "repr(plain(key))"),
        "sets in any order": edited(
            serialize, "plain", "sorted(plain(item) for item in value)", "sorted(map(plain, value), reverse=True)"
        ),
        "classes as records": edited(serialize, "plain", " and not isinstance(value, type)", ""),
        "a text for a number": edited(
            Field,
            "check",
            'if self.kind == "U" else (array.dtype != expected)',
            'if self.kind == "U" else (array.dtype.kind != self.kind)',
        ),
        "axes of any length": edited(
            Field, "check", "lengths.setdefault(axis, length) != length", "lengths.setdefault(axis, length) > length"
        ),
        "infinite numbers in files": edited(Field, "check", "not np.isfinite(array).all()", "np.isnan(array).any()"),
        # Factors and splines
        "the checksum of a path": edited(factor_file, "load_factor", "Path(path).read_bytes()", "str(path).encode()"),
        "factors of this version alone": edited(factor_file, "is_factor", "_ANY_FORMAT", "FORMAT"),
        "ranges that overlap": edited(factor_file, "_require_block", "(np.diff(flat) < 0).any()", "False"),
        "empty ranges": edited(factor_file, "_require_block", "(np.diff(flat) <= 0)[::2].any()", "False"),
        "negative ranges": edited(factor_file, "_require_block", "flat[0] < 0 or", ""),
        "blocks of no frames": edited(
            factor_file, "_require_block", "not 1 <= held <= block.frames", "not held <= block.frames"
        ),
        "parts of beads": edited(factor_file, "_require_block", "or block.beads % block.frames ", ""),
        "gaps of all rows and more": edited(
            factor_file, "_require_block", " or (block.broken > block.beads).any()", ""
        ),
        "closest pairs of more frames": edited(
            factor_file, "_require_histograms", "(term.rows.pairs and most > frames)", "False"
        ),
        "negative numbers of values": edited(factor_file, "_require_histograms", "(own < 0).any() or", ""),
        "gaps that remove nothing": edited(
            factor_file, "_require_histograms", "dtype=object)) + less", "dtype=object))"
        ),
        "any number of values": edited(
            factor_file, "_require_histograms", "not least <= total <= most", "total > most"
        ),
        "any number of dihedrals": edited(
            factor_file, "_require_histograms", "not least <= total <= most", "total < least"
        ),
        "groups in another shape": edited(factor_file, "_groups", "part.reshape(shape)", "part.reshape(shape[::-1]).T"),
        "a file of splines without its name": edited(
            stored_values, "read_splines", 'InputError(f"{path}: {error}")', "error"
        ),
    }.items()
}
