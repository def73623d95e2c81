"""What a person sees: a picture of every cycle, an animation of many, and one HTML page of a whole history.

All of it is pure: records and tables in, bytes or text out. Nothing here is imported before it is used, because
matplotlib costs more than half a second::

    from heliotrope.report.frame import Scene, draw         # one cycle as a PNG
    from heliotrope.report.animation import animate         # many PNGs as a GIF
    from heliotrope.report.history import History           # what the page needs
    from heliotrope.report.page import render               # the page, as text
"""
