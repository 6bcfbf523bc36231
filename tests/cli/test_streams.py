"""What the command line writes where a stream cannot write everything, or nobody reads it."""

import os
import subprocess
import sys

import pytest

LIST = [sys.executable, "-m", "explaindistill", "list"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_a_stream_of_any_encoding_gets_every_line(encoding):
    """Python's errors are strict where output is redirected: the first arrow ended the command in a traceback."""
    words = "import sys; from explaindistill.cli.streams import open_streams; open_streams(); print(sys.argv[1])"
    text = "a ≤ 3 → “b” × 2 — café 漢 𝔸"
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", words, text], env=env, capture_output=True, check=True)
    out = done.stdout.decode(encoding)
    assert out.startswith("a <= 3" if encoding == "ascii" else "a ")
    if encoding == "ascii":
        assert out.strip() == r'a <= 3 -> "b" x 2 - caf\xe9 \u6f22 \U0001d538'
    assert done.stderr == b""


def test_a_demonstration_of_errors_that_a_user_chose_stays():
    words = "import sys; from explaindistill.cli.streams import open_streams; open_streams(); print('≤')"
    env = {**os.environ, "PYTHONIOENCODING": "ascii:replace"}
    assert subprocess.run([sys.executable, "-c", words], env=env, capture_output=True, check=True).stdout == b"?\n"


def test_nobody_reads_on():
    """`explaindistill list | head -1` is no failed requirement, and no traceback either."""
    process = subprocess.Popen(LIST, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert error == b""


@pytest.mark.skipif(os.name == "nt", reason="closes a stream as a POSIX shell does")
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_stream_that_was_closed_before_the_start(closed):
    command = " ".join(LIST) + " students " + closed
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr == b""
