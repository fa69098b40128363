"""CSV files written for one test."""

import pytest


@pytest.fixture
def csv_file(tmp_path):
    """Write lines (or bytes) to `data.csv` and return its path."""

    def write(content):
        path = tmp_path / "data.csv"
        if not isinstance(content, bytes):
            content = ("\n".join(content) + "\n").encode()
        path.write_bytes(content)
        return path

    return write
