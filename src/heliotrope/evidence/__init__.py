"""Evidence that may be looked at after every interval, and thresholds from one's own history. Pure: no I/O, no clock.

:mod:`.betting` is the test: is the mean gain (or rise of a loss) above a bound. :mod:`.budget` says how much may be
staked at each interval and what must be reached, so that false promotions stay rare over hundreds of decisions;
:mod:`.contest` keeps both for several challengers of one champion. :mod:`.histogram` and :mod:`.calibration` find
what a drift statistic reaches where nothing has changed; :mod:`.change` reports one change once; :mod:`.harm` tells
drift that hurts the model from drift that does not.
"""
