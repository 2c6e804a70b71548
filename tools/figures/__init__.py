"""The still figures, one file a page; `python -m tools.draw_figures` draws them."""
