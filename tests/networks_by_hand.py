"""Networks written out by hand from their sources, for which no library has the same function to compute with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, relu, relu6

from tests.by_hand import ByHand, caffe_lrn, caffe_max, caffe_mean, mean, same

Network = Callable[[ByHand, Tensor], list[Tensor]]


def lenet5(run: ByHand, x: Tensor) -> list[Tensor]:
    """Dive into Deep Learning, section 7.6."""
    x = torch.nn.functional.avg_pool2d(run.conv(x, 6, 5, padding=2, bias=True).sigmoid(), 2, 2)
    x = torch.nn.functional.avg_pool2d(run.conv(x, 16, 5, bias=True).sigmoid(), 2, 2)
    x = run.linear(run.linear(x, 120).sigmoid(), 84).sigmoid()
    return [run.linear(x, 10)]


def alexnet_grouped(run: ByHand, x: Tensor) -> list[Tensor]:
    """Caffe, models/bvlc_alexnet/deploy.prototxt."""
    x = caffe_max(caffe_lrn(relu(run.conv(x, 96, 11, 4, bias=True))), 3, 2)
    x = caffe_max(caffe_lrn(relu(run.conv(x, 256, 5, padding=2, groups=2, bias=True))), 3, 2)
    for width, groups in ((384, 1), (384, 2), (256, 2)):
        x = relu(run.conv(x, width, 3, padding=1, groups=groups, bias=True))
    x = caffe_max(x, 3, 2)
    x = relu(run.linear(relu(run.linear(x, 4096)), 4096))
    return [run.linear(x, 1000)]


def _mlpconv(run: ByHand, x: Tensor, widths: tuple[int, int, int], kernel: int, stride: int, padding: int) -> Tensor:
    x = relu(run.conv(x, widths[0], kernel, stride, padding, bias=True))
    for width in widths[1:]:
        x = relu(run.conv(x, width, 1, bias=True))
    return x


def nin_imagenet(run: ByHand, x: Tensor) -> list[Tensor]:
    """Caffe model zoo, Network in Network ImageNet Model, train_val.prototxt."""
    x = caffe_max(_mlpconv(run, x, (96, 96, 96), 11, 4, 0), 3, 2)
    x = caffe_max(_mlpconv(run, x, (256, 256, 256), 5, 1, 2), 3, 2)
    x = caffe_max(_mlpconv(run, x, (384, 384, 384), 3, 1, 1), 3, 2)
    return [mean(_mlpconv(run, x, (1024, 1024, 1000), 3, 1, 1))]


def nin_cifar10(run: ByHand, x: Tensor) -> list[Tensor]:
    """Caffe model zoo, Network in Network CIFAR10 Model, train_val.prototxt."""
    x = caffe_max(_mlpconv(run, x, (192, 160, 96), 5, 1, 2), 3, 2)
    x = caffe_mean(_mlpconv(run, x, (192, 192, 192), 5, 1, 2), 3, 2)
    return [mean(_mlpconv(run, x, (192, 192, 10), 3, 1, 1))]


def d2l_nin(run: ByHand, x: Tensor) -> list[Tensor]:
    """Dive into Deep Learning, section 8.3."""
    x = max_pool2d(_mlpconv(run, x, (96, 96, 96), 11, 4, 0), 3, 2)
    x = max_pool2d(_mlpconv(run, x, (256, 256, 256), 5, 1, 2), 3, 2)
    x = max_pool2d(_mlpconv(run, x, (384, 384, 384), 3, 1, 1), 3, 2)
    return [mean(_mlpconv(run, x, (10, 10, 10), 3, 1, 1))]


INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def _inception(run: ByHand, x: Tensor, widths: tuple[int, int, int, int, int, int]) -> Tensor:
    one, reduce3, three, reduce5, five, pool = widths
    a = relu(run.conv(x, one, 1, bias=True))
    b = relu(run.conv(relu(run.conv(x, reduce3, 1, bias=True)), three, 3, padding=1, bias=True))
    c = relu(run.conv(relu(run.conv(x, reduce5, 1, bias=True)), five, 5, padding=2, bias=True))
    d = relu(run.conv(max_pool2d(x, 3, 1, 1), pool, 1, bias=True))
    return torch.cat([a, b, c, d], 1)


def googlenet(run: ByHand, x: Tensor) -> list[Tensor]:
    """Caffe, models/bvlc_googlenet/train_val.prototxt, with its auxiliary heads."""
    heads = []
    x = caffe_lrn(caffe_max(relu(run.conv(x, 64, 7, 2, 3, bias=True)), 3, 2))
    x = relu(run.conv(relu(run.conv(x, 64, 1, bias=True)), 192, 3, padding=1, bias=True))
    x = caffe_max(caffe_lrn(x), 3, 2)
    for name, widths in INCEPTIONS.items():
        x = _inception(run, x, widths)
        if name in ("4a", "4d"):
            y = relu(run.conv(caffe_mean(x, 5, 3), 128, 1, bias=True))
            heads.append(run.linear(relu(run.linear(y, 1024)), 1000))
        if name in ("3b", "4e"):
            x = caffe_max(x, 3, 2)
    return [run.linear(mean(x), 1000), *heads]


def d2l_googlenet(run: ByHand, x: Tensor) -> list[Tensor]:
    """Dive into Deep Learning, section 8.4."""
    x = max_pool2d(relu(run.conv(x, 64, 7, 2, 3, bias=True)), 3, 2, 1)
    x = relu(run.conv(relu(run.conv(x, 64, 1, bias=True)), 192, 3, padding=1, bias=True))
    x = max_pool2d(x, 3, 2, 1)
    for name, widths in INCEPTIONS.items():
        x = _inception(run, x, widths)
        x = max_pool2d(x, 3, 2, 1) if name in ("3b", "4e") else x
    return [run.linear(mean(x), 10)]


def d2l_resnet18(run: ByHand, x: Tensor) -> list[Tensor]:
    """Dive into Deep Learning, section 8.6."""
    x = max_pool2d(relu(run.norm(run.conv(x, 64, 7, 2, 3, bias=True))), 3, 2, 1)
    for width, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        y = relu(run.norm(run.conv(x, width, 3, stride, 1, bias=True)))
        y = run.norm(run.conv(y, width, 3, padding=1, bias=True))
        x = relu(y + (run.conv(x, width, 1, stride, bias=True) if stride == 2 else x))
    return [run.linear(mean(x), 10)]


def d2l_densenet(run: ByHand, x: Tensor) -> list[Tensor]:
    """Dive into Deep Learning, section 8.7."""
    x = max_pool2d(relu(run.norm(run.conv(x, 64, 7, 2, 3, bias=True))), 3, 2, 1)
    for block in range(4):
        for _ in range(4):
            x = torch.cat([x, run.conv(relu(run.norm(x)), 32, 3, padding=1, bias=True)], 1)
        if block < 3:
            x = run.conv(relu(run.norm(x)), x.shape[1] // 2, 1, bias=True)
            x = torch.nn.functional.avg_pool2d(x, 2, 2)
    return [run.linear(mean(relu(run.norm(x))), 10)]


MOBILENET = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def mobilenetv1(alpha: float) -> Network:
    """The paper, table 1, padded evenly, with ReLU6."""

    def network(run: ByHand, x: Tensor) -> list[Tensor]:
        x = relu6(run.norm(run.conv(x, int(32 * alpha), 3, 2, 1)))
        for width, stride in MOBILENET:
            x = relu6(run.norm(run.depthwise(x, 3, stride, 1)))
            x = relu6(run.norm(run.conv(x, int(width * alpha), 1)))
        return [run.linear(mean(x), 1000)]

    return network


def mobilenetv1_keras(alpha: float) -> Network:
    """Keras, applications/mobilenet.py: padded as TensorFlow does, with 0.001 in every batch norm."""

    def network(run: ByHand, x: Tensor) -> list[Tensor]:
        x = relu6(run.norm(run.conv(same(x, 3, 2), int(32 * alpha), 3, 2), 1e-3))
        for width, stride in MOBILENET:
            x = relu6(run.norm(run.depthwise(same(x, 3, stride), 3, stride), 1e-3))
            x = relu6(run.norm(run.conv(x, int(width * alpha), 1), 1e-3))
        return [run.linear(mean(x), 1000)]

    return network


def resnet50_v2_keras(run: ByHand, x: Tensor) -> list[Tensor]:
    """Keras, applications/resnet.py and resnet_v2.py: strides in the last block of a stage, biases where no norm follows."""
    eps = 1.001e-5
    x = run.conv(x, 64, 7, 2, 3, bias=True)
    x = max_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1)), 3, 2)
    for width, depth, last in ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1)):
        for block in range(depth):
            stride = last if block == depth - 1 else 1
            before = relu(run.norm(x, eps))
            if block == 0:
                shortcut = run.conv(before, 4 * width, 1, stride, bias=True)
            else:
                shortcut = max_pool2d(x, 1, stride) if stride > 1 else x
            y = relu(run.norm(run.conv(before, width, 1), eps))
            y = relu(run.norm(run.conv(y, width, 3, stride, 1), eps))
            x = shortcut + run.conv(y, 4 * width, 1, bias=True)
    return [run.linear(mean(relu(run.norm(x, eps))), 1000)]
