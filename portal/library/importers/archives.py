"""Archives and folders of text files, opened without trusting what they say of themselves."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NoReturn

from portal.forms.imports import refuse

MOST_FILES = 500
LARGEST_FILE, LARGEST_WHOLE = 1_000_000, 20_000_000
LARGEST_DIRECTORY = 200_000
"""Bytes of an archive's table of contents, looked at before it is read."""
END, END_SIZE, LOCATOR, LOCATOR_SIZE, LONGEST_COMMENT = b"PK\x05\x06", 22, b"PK\x06\x07", 20, 65_535
PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
LEFT_OUT = {"__MACOSX", "Thumbs.db"}

Files = list[tuple[str, bytes]]


def files_in_zip(content: bytes) -> Files:
    """The files of an archive by path, in the order of their paths.

    Raises Invalid for what is no archive, reaches outside itself, hides its size, or holds too much.
    """
    _check_directory(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _unpacked(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, struct.error):
        refuse("archive", "This archive is damaged. Make it anew as an ordinary zip file.")


def _check_directory(content: bytes) -> None:
    """The size of the table of contents, before zipfile reads all of it."""
    end = content.rfind(END, max(0, len(content) - END_SIZE - LONGEST_COMMENT))
    if end < 0 or len(content) - end < END_SIZE:
        refuse("archive", "This is not a zip file. Send a zip of Markdown files.")
    size = int.from_bytes(content[end + 12 : end + 16], "little")
    large = content[max(0, end - LOCATOR_SIZE) : end].startswith(LOCATOR)
    if large or size > LARGEST_DIRECTORY:
        refuse("archive", f"This archive lists too much. Send {MOST_FILES} files at most.")


def _unpacked(archive: zipfile.ZipFile) -> Files:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_FILES:
        refuse("archive", f"This archive holds {len(entries)} files. Send {MOST_FILES} at most.")
    found: dict[str, bytes] = {}
    room = LARGEST_WHOLE
    for entry in sorted(entries, key=lambda one: one.filename):
        path = _checked_path(entry)
        if _left_out(path):
            continue
        if str(path) in found:
            refuse(str(path), "Two files have this path. Keep one of them.")
        found[str(path)] = _read(archive, entry, str(path), room)
        room -= len(found[str(path)])
    return list(found.items())


def _checked_path(entry: zipfile.ZipInfo) -> PurePosixPath:
    name, path = entry.orig_filename, PurePosixPath(entry.filename)
    strange = "\\" in name or "\x00" in name or ":" in name or not name.isprintable()
    if strange or path.is_absolute() or ".." in path.parts or not path.parts:
        refuse("archive", "A path in this archive leads out of it. Use plain names and folders.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        refuse(str(path), "This is a link to another file. Put the file itself here.")
    if entry.flag_bits & 0x1:
        refuse(str(path), "This file is locked with a password. Send it open.")
    if entry.compress_type not in PACKED:
        refuse(str(path), "This file is packed in an unusual way. Make an ordinary zip file.")
    return path


def _left_out(path: PurePosixPath) -> bool:
    """What systems put beside people's files."""
    return any(part.startswith(".") or part in LEFT_OUT for part in path.parts)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: str, room: int) -> bytes:
    """A file, as far as it may be large; what the archive says of its size is not believed."""
    most = min(LARGEST_FILE, room)
    if entry.file_size > most:
        _too_large(place)
    with archive.open(entry) as packed:
        content = packed.read(most + 1)
    if len(content) > most:
        _too_large(place)
    return content


def _too_large(place: str) -> NoReturn:
    refuse(place, f"This is too much: {LARGEST_FILE} bytes in a file and {LARGEST_WHOLE} in all are read.")


def files_in_folder(folder: Path) -> Files:
    """The files below a folder by path; links are not followed."""
    found: Files = []
    room = LARGEST_WHOLE
    for path in sorted(folder.rglob("*")):
        inner = PurePosixPath(path.relative_to(folder).as_posix())
        if path.is_symlink() or not path.is_file() or _left_out(inner):
            continue
        if len(found) >= MOST_FILES:
            refuse("folder", f"This folder holds more than {MOST_FILES} files. Take some out.")
        size = path.stat().st_size
        if size > min(LARGEST_FILE, room):
            _too_large(str(inner))
        room -= size
        found.append((str(inner), path.read_bytes()))
    return found
