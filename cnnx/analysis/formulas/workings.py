"""How a figure came about: the products that it was added up from, each with its factors, as in `3²·256·64 + 64`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from cnnx.analysis.formulas.notation import ATOM, Writer, Written
from cnnx.analysis.formulas.pairs import Factor, Product, products_of


def write_working(figure: int, writer: Writer) -> str:
    """Write a figure's products with their factors in symbols."""
    return _write(figure, writer, lambda factor: writer.polynomial(factor[0]))


def write_numbers(figure: int, writer: Writer) -> str:
    """Write a figure's products with numbers in the place of the symbols."""
    return _write(figure, writer, lambda factor: (str(factor[1]), ATOM))


def _without_ones(product: Product) -> Product:
    return tuple([factor for factor in product if factor[0].number != 1])


def _write(figure: int, writer: Writer, write: Callable[[Factor], Written]) -> str:
    counted = Counter([_without_ones(product) for product in products_of(figure)])
    terms = [(False, _product(product, times, writer, write)) for product, times in counted.items()]
    return writer.sum(terms)[0]


def _product(product: Product, times: int, writer: Writer, write: Callable[[Factor], Written]) -> Written:
    factors = [writer.power(write(factor), power) for factor, power in _powers(product)]
    return writer.product([(str(times), ATOM), *factors] if times > 1 else factors)


def _powers(product: Product) -> Iterator[tuple[Factor, int]]:
    """Count equal factors; numbers by pairs, so that a 3×3 kernel on 3 channels is 3²·3."""
    for factor, power in Counter(product).items():
        pairs = factor[0].number is not None and power > 2
        yield from [(factor, 2)] * (power // 2) + [(factor, 1)] * (power % 2) if pairs else [(factor, power)]
