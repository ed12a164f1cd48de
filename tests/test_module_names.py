from __future__ import annotations

import torch

from cnnx.spec.module_names import MODULE_NAMES


def test_every_public_attribute_of_a_module_is_refused_as_a_name() -> None:
    assert {name for name in dir(torch.nn.Module()) if not name.startswith("_")} <= MODULE_NAMES
