"""What other versions of a library change in results that were stored."""

import numpy
from packaging.version import Version

from genlib.table import stored


def draws_otherwise(name: str) -> bool:
    """Whether numpy is newer here than where a file of results was measured.

    A draw from a normal distribution with a covariance rests on a matrix whose columns are free in their sign
    (numpy's `multivariate_normal`, behind scikit-learn's mixtures); numpy 2.5.5 chooses others than 2.4.6.
    """
    return Version(numpy.__version__) > Version(stored(name)["versions"]["numpy"])
