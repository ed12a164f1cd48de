"""MobileNet v3 large written by hand, as PyTorch programmers do (A. Howard et al., arXiv:1905.02244, table 1)."""

from __future__ import annotations

from torch import Tensor, nn

EPS = 0.001

# kernel, expanded channels, out channels, channels of the squeeze (0: none), hard swish, stride
TABLE = (
    (3, 16, 16, 0, False, 1),
    (3, 64, 24, 0, False, 2),
    (3, 72, 24, 0, False, 1),
    (5, 72, 40, 24, False, 2),
    (5, 120, 40, 32, False, 1),
    (5, 120, 40, 32, False, 1),
    (3, 240, 80, 0, True, 2),
    (3, 200, 80, 0, True, 1),
    (3, 184, 80, 0, True, 1),
    (3, 184, 80, 0, True, 1),
    (3, 480, 112, 120, True, 1),
    (3, 672, 112, 168, True, 1),
    (5, 672, 160, 168, True, 2),
    (5, 960, 160, 240, True, 1),
    (5, 960, 160, 240, True, 1),
)


def conv_norm(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Give a convolution and its batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs, eps=EPS)]


class SqueezeExcitation(nn.Module):
    """Weigh every channel of (N, C, H, W) by what the averages of all of them say."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU(inplace=True)
        self.up = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Hardsigmoid(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H, W)."""
        weights: Tensor = self.gate(self.up(self.relu(self.down(self.pool(maps)))))
        return maps * weights


class Bottleneck(nn.Module):
    """An inverted residual: widen, convolve every channel for itself, weigh, narrow."""

    def __init__(
        self, inputs: int, kernel: int, wide: int, outputs: int, squeezed: int, swish: bool, stride: int
    ) -> None:
        super().__init__()
        act = nn.Hardswish if swish else nn.ReLU
        layers = [*conv_norm(inputs, wide), act(inplace=True)] if wide != inputs else []
        layers += [*conv_norm(wide, wide, kernel, stride, groups=wide), act(inplace=True)]
        layers += [SqueezeExcitation(wide, squeezed)] if squeezed else []
        self.block = nn.Sequential(*layers, *conv_norm(wide, outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C', H/stride, W/stride)."""
        found: Tensor = self.block(maps)
        return found + maps if self.residual else found


class MobileNetV3Large(nn.Module):
    """The whole network: (N, 3, H, W) → (N, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        channels = 16
        layers = [*conv_norm(3, channels, 3, stride=2), nn.Hardswish(inplace=True)]
        for kernel, wide, outputs, squeezed, swish, stride in TABLE:
            layers.append(Bottleneck(channels, kernel, wide, outputs, squeezed, swish, stride))
            channels = outputs
        self.features = nn.Sequential(*layers, *conv_norm(channels, 960), nn.Hardswish(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(960, 1280), nn.Hardswish(inplace=True), nn.Dropout(0.2), nn.Linear(1280, 1000)
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) → (N, 1000)."""
        maps = self.pool(self.features(images))
        found: Tensor = self.classifier(maps.flatten(1))
        return found
