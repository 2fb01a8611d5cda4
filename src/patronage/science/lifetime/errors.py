"""What can be wrong with the histories, windows and fits handed to a lifetime model."""


class LifetimeError(ValueError):
    """Anything a lifetime model refuses; catch this to catch them all."""


class InconsistentHistory(LifetimeError):
    """Rows that no customer can have lived, such as a last purchase after the age."""


class NotIdentified(LifetimeError):
    """Histories that are possible, but that cannot tell one parameter from another."""


class InvalidParameter(LifetimeError):
    """A model parameter outside its domain."""


class InvalidWindow(LifetimeError):
    """A horizon, start or discount rate for which no answer is defined."""


class NotEstimated(LifetimeError):
    """A model rebuilt from stored parameters was asked for the record of its estimation."""
