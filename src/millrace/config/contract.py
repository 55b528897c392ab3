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
    types: Literal["freeze", "quarantine"] = Field(
        "quarantine", description="values that do not fit: freeze stops, quarantine refuses their rows"
    )
    lost_columns: Literal["evolve", "freeze", "quarantine"] = Field(
        "freeze", description="evolve leaves the value missing, freeze stops, quarantine refuses the rows"
    )


#: One word for all three; a column's type is never changed, so the types of `evolve` are those of the default.
Word = Literal["evolve", "freeze", "quarantine"]


def agreed(said: Contract | Word) -> Contract:
    """The contract that a project file states in full or in one word.

    Examples
    --------
    >>> agreed("evolve")
    Contract(new_columns='evolve', types='quarantine', lost_columns='evolve')
    """
    if isinstance(said, Contract):
        return said
    return Contract(new_columns=said, types="freeze" if said == "freeze" else "quarantine", lost_columns=said)
