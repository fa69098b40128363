"""Report: status, explanation, pictures and HTML pages for people."""
