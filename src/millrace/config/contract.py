"""What is done with rows that come with other columns, or other kinds of values, than were written down at first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from millrace.config.section import Section


class Contract(Section):
    """What happens when the columns of a source change."""

    new_columns: Literal["evolve", "freeze", "quarantine"] = Field(
        "freeze", description="evolve adds the column to the table, freeze stops, quarantine refuses rows with a value"
    )
    types: Literal["evolve", "freeze", "quarantine"] = Field(
        "quarantine",
        description="values that do not fit: freeze stops, quarantine refuses their rows; evolve does too, and gives "
        "the table the wider type that `columns` states",
    )
    lost_columns: Literal["evolve", "freeze", "quarantine"] = Field(
        "freeze", description="evolve leaves the value missing, freeze stops, quarantine refuses the rows"
    )


#: One word for all three.
Word = Literal["evolve", "freeze", "quarantine"]


def agreed(said: Contract | Word) -> Contract:
    """The contract that a project file states in full or in one word.

    Examples
    --------
    >>> agreed("evolve")
    Contract(new_columns='evolve', types='evolve', lost_columns='evolve')
    """
    if isinstance(said, Contract):
        return said
    return Contract(new_columns=said, types=said, lost_columns=said)
