from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.image import ImageSpec
from mlopsproj_train.bundle_data import check_fit


@pytest.mark.parametrize(
    ("classes", "named"),
    [
        (("0", "1", "2"), "4 classes apart, tiny has 3:"),
        (("0", "1", "2", "cat"), "first that differ being '3' and 'cat'"),
        (("1", "0", "2", "3"), "first that differ being '0' and '1'"),
    ],
)
def test_data_of_other_classes_are_refused(trained, tiny_dataset, classes, named):
    manifest = trained.bundle.manifest
    assert manifest.classes == ("0", "1", "2", "3")
    with pytest.raises(ConfigError, match=named):
        check_fit("tiny:1", manifest, replace(tiny_dataset, classes=classes))
    check_fit("tiny:1", manifest, tiny_dataset)
    assert manifest.image == ImageSpec(height=28, width=28, channels=1)
    assert np.prod(manifest.image.shape) == 784
