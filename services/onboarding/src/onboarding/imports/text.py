"""Bytes into text: UTF-8 with or without its mark, UTF-16, and Windows-1252 where it is nothing else."""

import re
from dataclasses import dataclass

from onboarding.imports.findings import Finding, ImportRefused

MOST_BYTES = 10 * 1024 * 1024

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BINARIES = {
    b"PK\x03\x04": "a spreadsheet or archive (ZIP)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (XLS)",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture (PNG)",
    b"\x1f\x8b": "a compressed file (gzip)",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text and what had to be assumed to read it."""

    text: str
    warnings: tuple[Finding, ...] = ()


def decode(content: bytes, *, most_bytes: int = MOST_BYTES) -> Text:
    """The file as text.

    Raises ImportRefused: `file_too_large`, `file_empty`, `not_text` for NUL characters, `not_utf8` for bytes that are
    text in none of the encodings.
    """
    if len(content) > most_bytes:
        message = f"The file has {len(content):,} bytes; at most {most_bytes:,} are read."
        raise ImportRefused("file_too_large", message)
    text, warnings = _decoded(content)
    if "\x00" in text:
        message = f"The file has NUL characters: it is {_guess(content)}, and no CSV. Save the spreadsheet as CSV."
        raise ImportRefused("not_text", message)
    if not text.strip():
        raise ImportRefused("file_empty", "The file is empty.")
    return Text(text, warnings)


def _decoded(content: bytes) -> tuple[str, tuple[Finding, ...]]:
    if content.startswith(_UTF16_MARKS):
        try:
            return content.decode("utf-16"), ()
        except UnicodeDecodeError as error:
            message = f"The file begins as UTF-16 and is none at byte {error.start}; save it as CSV UTF-8."
            raise ImportRefused("not_utf8", message) from error
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        return _windows(content, error.start)


def _windows(content: bytes, start: int) -> tuple[str, tuple[Finding, ...]]:
    """Windows-1252, in which nearly all bytes are something: control characters give away what is no text."""
    line = content.count(b"\n", 0, start) + 1
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = "\x00"
    if _CONTROL.search(text):
        message = (
            f"The file is not UTF-8: line {line} has the byte 0x{content[start]:02x}. It is {_guess(content)}; "
            "save it as CSV UTF-8."
        )
        raise ImportRefused("not_utf8", message, line=line)
    message = f"The file is not UTF-8 and was read as Windows-1252; line {line} is the first where it matters."
    return text, (Finding(line, None, "read_as_windows_1252", message, f"0x{content[start]:02x}"),)


def _guess(content: bytes) -> str:
    known = (name for mark, name in _BINARIES.items() if content.startswith(mark))
    return next(known, "no text in a known encoding")
