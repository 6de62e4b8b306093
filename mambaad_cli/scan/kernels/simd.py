"""Vectors of 16 floats for Numba: a kernel is fast by construction, not by the compiler's goodwill.

Inside `numba.njit` functions, `load`, `splat` and arithmetic on their results work on LANES floats at once.
LLVM maps the one vector type to what the machine has: one AVX-512 register, two of AVX2, four of NEON.
"""
# mypy: ignore-errors
# Numba compiles these functions: for a type checker there is nothing in them.

from __future__ import annotations

import math
import operator

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16
LOG2_E = math.log2(math.e)

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_MAY_FUSE = ("contract",)  # a multiplication and an addition may become one instruction


class VectorType(types.Type):
    """Numba's type of a vector of LANES float32."""

    def __init__(self):
        super().__init__(name=f"float32x{LANES}")


vector = VectorType()


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, _FLOATS)


def _define(operation, instruction):
    """Make `operation` on two vectors one instruction."""

    @infer_global(operation)
    class _Template(ConcreteTemplate):
        key = operation
        cases = (signature(vector, vector, vector),)

    @lower_builtin(operation, vector, vector)
    def _generate(context, builder, sig, args):
        return getattr(builder, instruction)(*args, flags=_MAY_FUSE)


_define(operator.add, "fadd")
_define(operator.iadd, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")


def _address(context, builder, sig, args, target):
    """Pointer to array[index] as `target`. An integer index counts vectors, a tuple addresses a float."""
    array_type, index_type = sig.args[:2]
    array = context.make_array(array_type)(context, builder, args[0])
    if isinstance(index_type, types.Integer):
        index = context.cast(builder, args[1], index_type, types.intp)
        return builder.gep(builder.bitcast(array.data, _FLOATS.as_pointer()), [index])
    parts = zip(cgutils.unpack_tuple(builder, args[1]), index_type, strict=True)
    index = [context.cast(builder, part, kind, types.intp) for part, kind in parts]
    index += [context.get_constant(types.intp, 0)] * (array_type.ndim - len(index))
    pointer = cgutils.get_item_pointer(context, builder, array_type, array, index, wraparound=False)
    return builder.bitcast(pointer, target.as_pointer())


@intrinsic
def load(typing, array, index):
    """LANES floats: a vector of a scratch array by its number, or what begins at a tuple of indices."""

    def generate(context, builder, sig, args):
        return builder.load(_address(context, builder, sig, args, _FLOATS), align=4)

    return vector(array, index), generate


@intrinsic
def store(typing, array, index, value):
    """Write a vector to where `load` would read it."""

    def generate(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig, args, _FLOATS), align=4)
        return context.get_dummy_value()

    return types.none(array, index, value), generate


@intrinsic
def prefetch(typing, array, index):
    """Ask for the cache line of array[index] ahead of its use."""

    def generate(context, builder, sig, args):
        byte, number = ir.IntType(8), ir.IntType(32)
        function_type = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), number, number, number])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        read, keep, data = number(0), number(3), number(1)
        builder.call(function, [_address(context, builder, sig, args, byte), read, keep, data])
        return context.get_dummy_value()

    return types.none(array, index), generate


@intrinsic
def splat(typing, value):
    """A number in all lanes."""

    def generate(context, builder, sig, args):
        number = context.cast(builder, args[0], sig.args[0], types.float32)
        undefined = ir.Constant(_FLOATS, ir.Undefined)
        first = builder.insert_element(undefined, number, ir.IntType(32)(0))
        return builder.shuffle_vector(first, undefined, ir.Constant(_INTS, [0] * LANES))

    return vector(value), generate


@intrinsic
def where_above(typing, x, y, above, below):
    """`above` in the lanes where x > y, `below` in the others."""

    def generate(context, builder, sig, args):
        x, y, above, below = args
        return builder.select(builder.fcmp_ordered(">", x, y), above, below)

    return vector(x, y, above, below), generate


@njit(forceinline=True)
def larger(x, y):
    """The larger of x and y, lane by lane."""
    return where_above(x, y, x, y)


@intrinsic
def totals(typing, array, index):
    """The sums of LANES vectors in a row, array[index] and its followers, as one vector."""

    def generate(context, builder, sig, args):
        first = _address(context, builder, sig, args, _FLOATS)
        vectors = [builder.load(builder.gep(first, [ir.IntType(32)(row)]), align=4) for row in range(LANES)]
        width = LANES  # lanes that are still to be added up, in each vector
        while width > 1:
            half = width // 2
            lower = [lane for lane in range(2 * LANES) if lane % width < half]
            vectors = [
                builder.fadd(
                    builder.shuffle_vector(x, y, ir.Constant(_INTS, lower)),
                    builder.shuffle_vector(x, y, ir.Constant(_INTS, [lane + half for lane in lower])),
                )
                for x, y in zip(vectors[::2], vectors[1::2], strict=True)
            ]
            width = half
        return vectors[0]

    return vector(array, index), generate


@intrinsic
def _scale(typing, x, shifted):
    """x * 2^k, where k is in the lowest bits of `shifted`: it is added to the exponent of x."""

    def generate(context, builder, sig, args):
        x, shifted = (builder.bitcast(value, _INTS) for value in args)
        exponent = builder.shl(shifted, ir.Constant(_INTS, [23] * LANES))
        return builder.bitcast(builder.add(x, exponent), _FLOATS)

    return vector(x, shifted), generate


# 2^f = 1 + f * polynomial(f) for -0.5 <= f <= 0.5: the least largest relative error, 9.2e-8, and none at 0.
_EXP2 = (
    0.001326472731307149,
    0.009671512991189957,
    0.05550733581185341,
    0.24022242426872253,
    0.6931470036506653,
)
_ROUND = 1.5 * 2.0**23  # adding it leaves the nearest integer in the lowest bits of a float32
_LOWEST = -125.0  # below it 2^x is as good as 0, and would not be a normal number


@njit(forceinline=True)
def exp2_code(x):
    """2^x for x <= 0, in a form that `decayed` understands: 2^x - 1 where -0.5 < x, and 2^x below.

    Near x = 0 the difference to 1 keeps digits that a float32 near 1 has no room for. Over a long sequence
    they matter: a state that is multiplied by 1 - 1e-7 at each step would be off by a fifth of its decay.
    """
    base = where_above(x, splat(-0.5), splat(0.0), splat(1.0))
    x = larger(x, splat(_LOWEST))
    shifted = x + splat(_ROUND)
    fraction = x - (shifted - splat(_ROUND))
    polynomial = splat(_EXP2[0])
    polynomial = polynomial * fraction + splat(_EXP2[1])
    polynomial = polynomial * fraction + splat(_EXP2[2])
    polynomial = polynomial * fraction + splat(_EXP2[3])
    polynomial = polynomial * fraction + splat(_EXP2[4])
    return _scale(polynomial * fraction + base, shifted)


@njit(forceinline=True)
def decayed(code, x, plus):
    """2^a * x + plus, where `code` is exp2_code(a)."""
    return (code * x + plus) + where_above(code, splat(0.0), splat(0.0), x)


@njit(forceinline=True)
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + z) with z = e^-|x|, the logarithm as 2 artanh(z / (2 + z))."""
    z = decayed(exp2_code(splat(-LOG2_E) * larger(x, splat(0.0) - x)), splat(1.0), splat(0.0))
    ratio = z / (z + splat(2.0))  # at most 1/3: seven terms of the series leave 2e-8
    square = ratio * ratio
    series = splat(1 / 13)
    series = series * square + splat(1 / 11)
    series = series * square + splat(1 / 9)
    series = series * square + splat(1 / 7)
    series = series * square + splat(1 / 5)
    series = series * square + splat(1 / 3)
    series = series * square + splat(1.0)
    return larger(x, splat(0.0)) + (ratio + ratio) * series


@njit(forceinline=True)
def softplus_slope(value):
    """The derivative of softplus where its value is `value`: 1 - e^-value."""
    code = exp2_code(splat(-LOG2_E) * value)
    return where_above(code, splat(0.0), splat(1.0) - code, splat(0.0) - code)


@njit
def scratch(vectors):
    """An array for that many vectors, filled with zeros, none of which straddles two cache lines."""
    floats = np.zeros((vectors + 1) * LANES, np.float32)
    skip = -(floats.ctypes.data // 4) % LANES
    return floats[skip : skip + vectors * LANES]


@njit
def clear(vectors):
    """Set a scratch array to zero."""
    for i in range(vectors.size // LANES):
        store(vectors, i, splat(0.0))
