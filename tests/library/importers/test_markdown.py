"""A folder or zip of Markdown becomes readings; what it leaves out is told, and what is no such thing is refused."""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.forms.imports import Imported
from portal.forms.text import readings
from portal.library.importers import archives
from portal.library.importers.markdown import read_reading, readings_in_zip
from portal.library.schemas.resource import CreateResourceSchema
from portal.library.starter_files import FOLDER, starters

PLAIN = "## Why?\n\nBecause.\n"


def _zip(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_STORED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def _refused(content: bytes) -> tuple[str, str]:
    begun = time.thread_time()
    with pytest.raises(Invalid) as refused:
        readings_in_zip(content)
    assert time.thread_time() - begun < 2
    fault = refused.value.faults[0]
    assert fault.detail.endswith(".")
    return fault.pointer, fault.detail


def _can_be_made(one: Imported) -> bool:
    sent = {"kind": one.kind, "document": one.document, **one.description}
    return CreateResourceSchema().validate(sent) == {} and bool(readings.form_for(one.document).blocks)


def test_the_starter_library_reads_in_whole_and_without_a_loss() -> None:
    zipped = _zip({path.name: path.read_bytes() for path in (FOLDER / "readings").iterdir()})
    found = readings_in_zip(zipped)
    own = [starter for starter in starters() if starter.kind == "reading"]
    assert [one.document for one in found] == [starter.document for starter in own]
    assert [one.description for one in found] == [starter.description for starter in own]
    assert all(one.losses == one.notes == [] for one in found)


def test_a_bare_text_is_filled_in_and_each_guess_is_told() -> None:
    [one] = readings_in_zip(_zip({"texts/03-letting_go-slowly.md": "First words *here*.\n\n" + PLAIN}))
    assert one.description["title"] == "Letting go slowly"
    assert one.description["summary"] == "First words here."
    assert (one.description["minutes"], one.description["language"]) == (1, "en")
    assert {note.place for note in one.notes} == {f"texts/03-letting_go-slowly.md#/{name}" for name in one.description}
    assert one.losses == []
    assert _can_be_made(one)


def test_a_first_heading_is_the_title_and_a_text_without_sections_is_one() -> None:
    one = read_reading("# On rest #\n\nLie down.\n", "rest.md")
    assert one.description["title"] == "On rest"
    assert one.document["markdown"] == "## On rest\n\nLie down."
    assert any('"## "' in str(note) for note in one.notes)
    assert _can_be_made(one)
    both = read_reading(f"---\ntitle: Other\n---\n# On rest\n\n{PLAIN}", "rest.md")
    assert both.description["title"] == "Other"
    assert "# On rest" in both.document["markdown"]


def test_what_does_not_come_along_is_named() -> None:
    front = "---\ntitle: T\nminutes: eight\ntopics: [Not A Slug]\nauthor: Me\nkey: k\n---\n"
    zipped = _zip({"a.md": front + PLAIN + "![a cat](cat.png)", "cat.png": b"\x89PNG", "__MACOSX/._a.md": b"\xff"})
    [one] = readings_in_zip(zipped)
    assert [loss.place for loss in one.losses] == ["a.md#/author", "a.md", "a.md#/topics", "a.md#/minutes", "cat.png"]
    assert (one.description["minutes"], one.description["topics"]) == (1, [])
    assert _can_be_made(one)


def test_parts_of_a_reading_come_along_and_wrong_ones_are_refused_where_they_stand() -> None:
    good = "---\ntitle: T\nkey_points: [One., Two.]\ntalk: Talk?\n---\n"
    assert read_reading(good + PLAIN, "a.md").document.keys() == {"schema", "markdown", "key_points", "talk"}
    for part, wrong in {"key_points": "7", "check": "{label: x}", "reflection": "[]", "talk": "[a]"}.items():
        pointer, _ = _refused(_zip({"ok.md": PLAIN, "b/bad.md": f"---\ntitle: T\n{part}: {wrong}\n---\n{PLAIN}"}))
        assert pointer.startswith(f"b/bad.md#/{part}")


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: T\n",
        "---\n[1, 2]\n---\n",
        "---\n7: x\n---\n",
        "---\ntitle: [\n---\n",
        "---\na: &a [x]\nb: *a\n---\n",
        "---\na: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n---\n",
        "---\na: " + "[" * 5_000 + "\n---\n",
        "---\na: 2020-99-99\n---\n",
        "---\na: !!python/object/apply:os.system [ls]\n---\n",
        "---\na: " + "x" * 30_000 + "\n---\n",
        "---\ntitle: " + "x" * 201 + "\n---\n",
        '---\ntitle: "a\\x00b"\n---\n',
    ],
)
def test_front_matter_that_cannot_be_is_refused(front: str) -> None:
    assert _refused(_zip({"a.md": front + PLAIN}))[0].startswith("a.md")


def _with_entry(change: str) -> bytes:
    """An archive whose one entry is a link, locked, or packed in an unusual way."""
    entry = zipfile.ZipInfo("a.md")
    whole = io.BytesIO()
    if change == "link":
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_LZMA if change == "lzma" else zipfile.ZIP_STORED) as archive:
        entry.compress_type = archive.compression
        archive.writestr(entry, PLAIN)
    content = bytearray(whole.getvalue())
    if change == "locked":
        content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize("change", ["link", "locked", "lzma"])
def test_an_entry_that_is_no_plain_file_is_refused(change: str) -> None:
    assert _refused(_with_entry(change))[0] == "a.md"


@pytest.mark.parametrize(
    "name", ["../a.md", "/etc/a.md", "a/../../b.md", "C:\\a.md", "..\\a.md", "C:/a.md", "a\nb.md", "\u202e.md"]
)
def test_a_path_that_leads_out_is_refused(name: str) -> None:
    place, detail = _refused(_zip({name: PLAIN}))
    assert place == "archive"
    assert "leads out" in detail


def test_bombs_are_refused_at_once() -> None:
    zeros = b"\0" * (archives.MAX_FILE_BYTES + 1)
    assert _refused(_zip({"a.md": zeros}, compression=zipfile.ZIP_DEFLATED))[0] == "a.md"
    many = {f"{number}.md": b"\0" * 900_000 for number in range(30)}
    assert _refused(_zip(many, compression=zipfile.ZIP_DEFLATED))[0].endswith(".md")
    assert _refused(_zip({f"{number}.md": "" for number in range(archives.MAX_FILES + 1)}))[0] == "archive"
    assert _refused(_zip({f"{number:06}.md": "" for number in range(30_000)}))[0] == "archive"
    assert _refused(_zip({"a" * 60_000 + str(number): "" for number in range(9)}))[0] == "archive"


def test_a_table_of_contents_of_a_million_files_is_not_even_read() -> None:
    entry = b"PK\x01\x02" + b"\x14\x00" * 2 + b"\0" * 20 + struct.pack("<H", 1) + b"\0" * 16 + b"a"
    listed = entry * 1_000_000
    end = b"PK\x05\x06" + b"\0" * 4 + b"\x01\x00\x01\x00" + struct.pack("<IIH", len(listed), 0, 0)
    place, detail = _refused(listed + end)
    assert (place, "lists too many files" in detail) == ("archive", True)


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    content = bytearray(_zip({"a.md": b"\0" * 3_000_000}, compression=zipfile.ZIP_DEFLATED))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 10)
    with pytest.raises(Invalid):
        readings_in_zip(bytes(content))
    short = bytearray(_zip({"a.md": PLAIN}))
    end = short.rindex(b"PK\x05\x06")
    short[end + 12 : end + 16] = struct.pack("<I", 0xFFFFFFFF)
    assert _refused(bytes(short))[0] == "archive"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"not a zip",
        b"PK\x05\x06" + b"\0" * 18,
        b"PK\x06\x07" + b"\0" * 16 + b"PK\x05\x06" + b"\0" * 18,
        _zip({"a.md": PLAIN})[:-30],
        _zip({"a.md": PLAIN}).replace(b"Because", b"Becouse"),
        _zip({"a.txt": PLAIN}),
        _zip({}),
        _zip({"a.md": "ü".encode("latin-1")}),
        _zip({"a.md": "ab".encode("utf-16")}),
        _zip({"a.md": ""}) and _zip({"a.md": "## x\n\n\x00"}),
        _zip({"a.md": "## " + "x" * 120_000}),
    ],
    ids=lambda content: str(len(content)),
)
def test_what_is_no_archive_of_texts_is_refused(content: bytes) -> None:
    _refused(content)


def test_a_byte_that_is_no_utf8_is_pointed_at() -> None:
    place, detail = _refused(_zip({"dir/a.md": b"## ok \xff"}))
    assert (place, "byte 7 " in detail) == ("dir/a.md", True)


def test_two_files_of_one_path_are_refused() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.md", PLAIN)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.md", PLAIN)
    assert _refused(whole.getvalue())[0] == "a.md"


@given(st.text(alphabet=st.sampled_from("---\n: #[]{}&*!|>'\"%@`abtitle012.-"), max_size=80), st.text(max_size=80))
def test_any_text_becomes_a_reading_or_is_refused(front: str, body: str) -> None:
    for text in (body, f"---\n{front}\n---\n{body}", f"{front}{body}"):
        try:
            one = read_reading(text, "a.md")
        except Invalid:
            continue
        assert _can_be_made(one)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    for sent in (content, b"PK\x03\x04" + content + b"PK\x05\x06" + content[:30], _zip({"a.md": content})):
        try:
            readings_in_zip(sent)
        except Invalid:
            continue


@pytest.mark.parametrize("piece", ["# ", "#\t", " ", "[", "![](", "> ", "\n", "---\n", "a]("])
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 1_000_000)[:90_000]
    begun = time.thread_time()
    for sent in (text, "---\n" + text, "# a" + text):
        try:
            read_reading(sent, "a.md")
        except Invalid:
            continue
    assert time.thread_time() - begun < 3
