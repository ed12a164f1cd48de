"""The bridge from tool to tool, drawn for a network."""

from __future__ import annotations

import pytest

import cnnx
from cnnx.analysis.conventions.bridge import bridge
from cnnx.analysis.conventions.presets import PRESETS
from cnnx.report.bridge import draw_bridges

# What each tool reports of torchvision's resnet50 (tests/reference/peers.json), and its addends.
BRIDGE = """
resnet50                                               amount          gives
────────────────────────────────────────────────────────────────────────────
conv and linear, multiply–adds                                 4,089,184,256
cnnx: FLOPs                                                    8,217,632,232
  conv and linear, multiply–adds           2 ×  4,089,184,256  8,178,368,512
  batchnorm, other operations              1 ×     22,227,968     22,227,968
  relu, other operations                   1 ×      9,608,704      9,608,704
  maxpool, other operations                1 ×      1,806,336      1,806,336
  add, other operations                    1 ×      5,519,360      5,519,360
  global_avgpool, other operations         1 ×        100,352        100,352
  linear, other operations                 1 ×          1,000          1,000
fvcore: flops                                                  4,111,512,576
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  batchnorm, input elements                2 ×     11,113,984     22,227,968
  global_avgpool, input elements           1 ×        100,352        100,352
torch: flops                                                   8,178,368,512
  conv and linear, multiply–adds           2 ×  4,089,184,256  8,178,368,512
torchinfo: mult-adds                                           4,089,238,376
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  conv and linear, biased output elements  1 ×          1,000          1,000
  batchnorm, weights                       1 ×         53,120         53,120
thop: MACs                                                     4,133,742,592
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  batchnorm, input elements                4 ×     11,113,984     44,455,936
  global_avgpool, input elements           1 ×        100,352        100,352
  global_avgpool, output elements          1 ×          2,048          2,048
ptflops: MACs                                                  4,132,436,968
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  conv and linear, biased output elements  1 ×          1,000          1,000
  batchnorm, input elements                2 ×     11,113,984     22,227,968
  relu, input elements                     2 ×      9,608,704     19,217,408
  maxpool, input elements                  2 ×        802,816      1,605,632
  global_avgpool, input elements           2 ×        100,352        200,704
ptflops_aten: MACs                                             4,089,185,256
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  conv and linear, biased output elements  1 ×          1,000          1,000
calflops: FLOPs                                                8,211,108,352
  conv and linear, multiply–adds           2 ×  4,089,184,256  8,178,368,512
  batchnorm, input elements                2 ×     11,113,984     22,227,968
  relu, input elements                     1 ×      9,608,704      9,608,704
  maxpool, input elements                  1 ×        802,816        802,816
  global_avgpool, input elements           1 ×        100,352        100,352
torchprofile: MACs                                             4,100,300,288
  conv and linear, multiply–adds           1 ×  4,089,184,256  4,089,184,256
  batchnorm, output elements               1 ×     11,113,984     11,113,984
  global_avgpool, output elements          1 ×          2,048          2,048
"""


@pytest.mark.parametrize("width", [80, 120])
def test_a_bridge_of_a_network_fits_a_terminal(width: int) -> None:
    figures = cnnx.count(cnnx.load("resnet50"))
    bridges = [bridge(figures, convention) for convention in PRESETS]
    lines = [drawn.plain for drawn in draw_bridges("resnet50", figures.macs, bridges, width)]
    assert max(map(len, lines)) <= 80
    assert "\n".join(lines) == BRIDGE.strip("\n")
