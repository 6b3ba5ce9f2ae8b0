"""The one way in which the tutor refuses something."""


class ShopError(Exception):
    """A mistake or an obstacle, told in one line, with a way out."""

    def __init__(self, what, why, hint=None, status=2):
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.hint = hint
        self.status = status

    def lines(self, command):
        """The text a person sees: one line, and maybe a hint."""
        yield f"make {command}: {self.what}: {self.why}"
        if self.hint:
            yield f"hint: {self.hint}"
