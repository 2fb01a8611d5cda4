"""What can be wrong with the figures handed to valuation and bridge."""


class EquityError(ValueError):
    """Anything the equity functions refuse; catch this to catch them all."""


class InvalidFigures(EquityError):
    """Columns that are not what they are declared to be: lengths, signs, missing values, size."""
