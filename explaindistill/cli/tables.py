"""Read a table from a file, or say in one sentence why it cannot be read."""

from __future__ import annotations

import csv
import gzip
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from explaindistill.data.unpacking import check_gzip, check_unpacked
from explaindistill.errors import InvalidInputError, MissingExtraError

__all__ = ["MISSING", "note", "read_table"]

MISSING = ("?", "", "NA", "N/A", "NaN", "nan", "null", "NULL")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
CELL_BYTES = 8
"""Least memory of a cell of a frame: a number, or the address of a text."""
DECIMAL_COMMA = r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?"
DAY = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"


def read_table(path: str | Path, na: Sequence[str] = MISSING, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of a ``.csv``, ``.tsv`` (both also ``.gz``) or ``.parquet`` file.

    Parameters
    ----------
    path : str or Path
    na : sequence of str
        Words that stand for a missing value in text files.
    texts : sequence of str
        Columns of a text file whose values are kept as they are written: 01234 is no number.

    Returns
    -------
    DataFrame
        Columns of ISO dates are dates; other text stays text.

    Raises
    ------
    InvalidInputError
        If the file is absent, of another kind, broken, without rows, or names a column twice.
    """
    file = Path(path)
    if not file.is_file():
        raise InvalidInputError(f"data must be a file, got {file}, which {_what(file)}")
    endings = [ending.lower() for ending in file.suffixes]
    kind = endings[-2] if endings[-1:] == [".gz"] and len(endings) > 1 else "".join(endings[-1:])
    if kind == ".parquet":
        frame = _parquet(file)
    elif kind in SEPARATORS:
        frame = _text(file, SEPARATORS[kind], na, texts)
    else:
        raise InvalidInputError(f"data must end in .csv, .tsv (also .gz) or .parquet, got {file.name}")
    if frame.empty:
        raise InvalidInputError(f"{file.name} has no rows")
    return frame


def _what(file: Path) -> str:
    return "is a folder" if file.is_dir() else "does not exist"


def _parquet(file: Path) -> pd.DataFrame:
    try:
        from pyarrow.parquet import read_metadata

        claim = read_metadata(file)
        check_unpacked(file, claim.num_rows * claim.num_columns * CELL_BYTES)
        frame = pd.read_parquet(file)
    except InvalidInputError:
        raise
    except ImportError as error:
        raise MissingExtraError.of("pyarrow", "parquet") from error
    except (ValueError, OSError) as error:
        raise InvalidInputError(f"{file.name} cannot be read as Parquet: {_first_line(error)}") from error
    return frame.rename(columns=str)


def _text(file: Path, separator: str, na: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    packed = file.suffix.lower() == ".gz"
    if packed:
        check_gzip(file)
    try:
        separator = _check_header(file, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # it would drop cells
            frame = pd.read_csv(
                file,
                sep=separator,
                na_values=list(na),
                keep_default_na=False,
                skipinitialspace=True,
                low_memory=False,
                index_col=False,
                encoding="utf-8-sig",
                compression="gzip" if packed else None,
                dtype=dict.fromkeys(texts, str),
            )
    except pd.errors.EmptyDataError as error:
        raise InvalidInputError(f"{file.name} is empty") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        raise InvalidInputError(
            f"{file.name} cannot be parsed: {_first_line(error)}; it needs a header line and as many cells in every row"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{file.name} is not UTF-8 text: {_first_line(error)}; save it as UTF-8") from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise InvalidInputError(f"{file.name} is not a whole gzip file: {_first_line(error)}") from error
    if separator == ";":
        frame = frame.apply(lambda column: column if column.name in texts else _decimal_commas(column))
    return frame.apply(lambda column: column if column.name in texts else _dates(column))


def _check_header(file: Path, separator: str) -> str:
    """Return the separator of the file, and find names given twice: pandas would rename the second one silently."""
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as lines:
        line = lines.readline()
        if separator not in line and ";" in line:
            note(f"{file.name} is separated by semicolons; its decimal commas are read as points")
            separator = ";"
        lines.seek(0)
        names = [n.strip() for n in next(csv.reader(lines, delimiter=separator, skipinitialspace=True), [])]
    if repeated := sorted({n for n in names if n and names.count(n) > 1}):
        raise InvalidInputError(
            f"column names must differ from each other, {file.name} has twice: {', '.join(repeated)}"
        )
    return separator


def _decimal_commas(column: pd.Series) -> pd.Series:
    """Turn a column of numbers such as 1.234,5 into numbers, and leave any other as it is."""
    if not _is_text(column):
        return column
    words = column.dropna().astype(str)
    if words.empty or not words.str.fullmatch(DECIMAL_COMMA).all() or not words.str.contains(",").any():
        return column
    return pd.to_numeric(column.str.replace(".", "").str.replace(",", "."))


def _is_text(column: pd.Series) -> bool:
    """Whether a column of a text file holds text: before pandas 3 as objects, of which a gap made no string column."""
    return bool(column.dtype == object or pd.api.types.is_string_dtype(column))


def note(words: str) -> None:
    """Say on stderr what was taken for what, and how to change it."""
    print(f"note: {words}", file=sys.stderr)


def _dates(column: pd.Series) -> pd.Series:
    """Turn a column of ISO dates into dates, and leave any other as it is."""
    if not _is_text(column):
        return column
    texts = column.dropna().astype(str)
    if texts.empty or not texts.str.fullmatch(DAY).all():
        return column
    try:
        return pd.to_datetime(column, format="ISO8601")
    except ValueError:
        return column


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
