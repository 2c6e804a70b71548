"""Side-by-side measurements against papers and peers; each stores its numbers in book/_data with its command."""
