"""Archives of text files, read without trusting the sizes and paths they declare."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import PurePosixPath
from typing import NoReturn

from portal.forms.imports import refuse

MAX_FILES = 500
MAX_FILE_BYTES, MAX_TOTAL_BYTES = 1_000_000, 20_000_000
MAX_DIRECTORY_BYTES = 200_000
"""Bytes of an archive's central directory, checked before it is read."""
END, END_SIZE, LOCATOR, LOCATOR_SIZE, MAX_COMMENT_BYTES = b"PK\x05\x06", 22, b"PK\x06\x07", 20, 65_535
COMPRESSION_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
SYSTEM_FILES = {"__MACOSX", "Thumbs.db"}

Files = list[tuple[str, bytes]]


def files_in_zip(content: bytes) -> Files:
    """The files of an archive by path, in the order of their paths.

    Raises Invalid if it is not an archive, has paths that lead out of it, hides its size, or holds too much.
    """
    _check_directory(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _unpack(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, struct.error):
        refuse("archive", "archive_damaged", "This archive is damaged. Create it again as an ordinary zip file.")


def _check_directory(content: bytes) -> None:
    """Check the size of the central directory before zipfile reads all of it."""
    end = content.rfind(END, max(0, len(content) - END_SIZE - MAX_COMMENT_BYTES))
    if end < 0 or len(content) - end < END_SIZE:
        refuse("archive", "not_a_zip", "This is not a zip file. Send a zip of Markdown files.")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    large = content[max(0, end - LOCATOR_SIZE) : end].startswith(LOCATOR)
    if large or size > MAX_DIRECTORY_BYTES:
        refuse("archive", "too_many_files", "This archive lists too many files. Send {max} at most.", max=MAX_FILES)


def _unpack(archive: zipfile.ZipFile) -> Files:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_FILES:
        sentence = "This archive holds {count} files. Send {max} at most."
        refuse("archive", "too_many_files", sentence, count=len(entries), max=MAX_FILES)
    found: dict[str, bytes] = {}
    room = MAX_TOTAL_BYTES
    for entry in sorted(entries, key=lambda one: one.filename):
        path = _checked_path(entry)
        if _is_system_file(path):
            continue
        if str(path) in found:
            refuse(str(path), "duplicate_path", "Two files have this path. Keep one of them.")
        found[str(path)] = _read(archive, entry, str(path), room)
        room -= len(found[str(path)])
    return list(found.items())


def _checked_path(entry: zipfile.ZipInfo) -> PurePosixPath:
    name, path = entry.orig_filename, PurePosixPath(entry.filename)
    strange = "\\" in name or "\x00" in name or ":" in name or not name.isprintable()
    if strange or path.is_absolute() or ".." in path.parts or not path.parts:
        refuse("archive", "unsafe_path", "A path in this archive leads out of it. Use plain names and folders.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        refuse(str(path), "symbolic_link", "This is a link to another file. Put the file itself here.")
    if entry.flag_bits & 0x1:
        refuse(str(path), "encrypted", "This file is locked with a password. Send it without one.")
    if entry.compress_type not in COMPRESSION_METHODS:
        refuse(
            str(path), "unknown_compression", "This file is compressed in an unusual way. Create an ordinary zip file."
        )
    return path


def _is_system_file(path: PurePosixPath) -> bool:
    """Whether an operating system put this beside people's files."""
    return any(part.startswith(".") or part in SYSTEM_FILES for part in path.parts)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: str, room: int) -> bytes:
    """The content of a file of at most this size; the size that the archive declares is not trusted."""
    most = min(MAX_FILE_BYTES, room)
    if entry.file_size > most:
        _refuse_too_large(place)
    with archive.open(entry) as packed:
        content = packed.read(most + 1)
    if len(content) > most:
        _refuse_too_large(place)
    return content


def _refuse_too_large(place: str) -> NoReturn:
    sentence = "This is too large. Send {max} bytes in a file and {max_total} in all at most."
    refuse(place, "file_too_large", sentence, max=MAX_FILE_BYTES, max_total=MAX_TOTAL_BYTES)
