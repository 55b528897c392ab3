"""Numbers as their principal components: fewer columns that hold most of what many correlated ones say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from millrace.records.encoding import ComponentsEncoding, Encoding, NumberEncoding
from millrace.train.encode import exact, read


def in_components(frame: pl.DataFrame, encodings: Sequence[Encoding], wanted: float) -> tuple[Encoding, ...]:
    """The encodings with one of components instead of those of numbers, fitted on these training rows.

    `wanted` is a number of components, or the share of the numbers' variance that they hold. Numbers that are not more
    than the components that are wanted stay as they are. The columns must be finite once they are encoded.

    Examples
    --------
    >>> frame = pl.DataFrame({"cm": [170.0, 180.0, 190.0], "inch": [67.0, 71.0, 75.0]})
    >>> (found,) = in_components(frame, [NumberEncoding("cm", center=180.0), NumberEncoding("inch", center=71.0)], 0.95)
    >>> found.axes.round(2).tolist()
    [[0.93], [0.37]]
    """
    from sklearn.decomposition import PCA

    numbers = [one for one in encodings if isinstance(one, NumberEncoding)]
    if len(numbers) < 2 or (isinstance(wanted, int) and wanted >= len(numbers)):
        return tuple(encodings)
    values = exact(np.column_stack([read(frame, one) for one in numbers]), numbers)
    most = min(wanted, *values.shape) if isinstance(wanted, int) else wanted
    if not np.ptp(values, axis=0).any():
        return tuple(encodings)
    fitted = PCA(most, random_state=0).fit(values)
    centred = [
        replace(one, center=one.center + float(mean) / one.factor) if one.factor else one
        for one, mean in zip(numbers, fitted.mean_, strict=True)
    ]
    components = ComponentsEncoding(tuple(centred), np.ascontiguousarray(fitted.components_.T, np.float64))
    return (components, *(one for one in encodings if not isinstance(one, NumberEncoding)))
