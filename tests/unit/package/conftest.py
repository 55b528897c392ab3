import warnings

import pytest


@pytest.fixture(autouse=True)
def _feature_names_are_nobodys_business():
    # LightGBM names the columns of arrays by itself, and scikit-learn then misses the names in other arrays.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield
