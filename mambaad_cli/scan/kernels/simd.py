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
    """Pointer to array[index] of type `target`; an index shorter than the array is filled up with zeros."""
    array_type, index_type = sig.args[:2]
    array = context.make_array(array_type)(context, builder, args[0])
    index = cgutils.unpack_tuple(builder, args[1]) if isinstance(index_type, types.BaseTuple) else [args[1]]
    kinds = list(index_type) if isinstance(index_type, types.BaseTuple) else [index_type]
    index = [context.cast(builder, i, kind, types.intp) for i, kind in zip(index, kinds, strict=True)]
    index += [context.get_constant(types.intp, 0)] * (array_type.ndim - len(index))
    pointer = cgutils.get_item_pointer(context, builder, array_type, array, index, wraparound=False)
    return builder.bitcast(pointer, target.as_pointer())



@intrinsic
def load(typing, array, index):
    """The LANES floats that begin at array[index]."""

    def generate(context, builder, sig, args):
        return builder.load(_address(context, builder, sig, args, _FLOATS), align=4)

    return vector(array, index), generate


@intrinsic
def store(typing, array, index, value):
    """Write a vector to the LANES floats that begin at array[index]."""

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
def larger(typing, x, y):
    """The larger of x and y, lane by lane."""

    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return vector(x, y), generate


@intrinsic
def total(typing, x):
    """The sum of the lanes, a float32, always in the same order."""

    def generate(context, builder, sig, args):
        (value,) = args
        width = LANES
        while width > 1:  # fold the upper half onto the lower one
            width //= 2
            upper = ir.Constant(_INTS, [lane % width + width for lane in range(LANES)])
            value = builder.fadd(value, builder.shuffle_vector(value, value, upper))
        return builder.extract_element(value, ir.IntType(32)(0))

    return types.float32(x), generate


@intrinsic
def _scale(typing, x, shifted):
    """x * 2^k, where k is in the lowest bits of `shifted`: it is added to the exponent of x."""

    def generate(context, builder, sig, args):
        x, shifted = (builder.bitcast(value, _INTS) for value in args)
        exponent = builder.shl(shifted, ir.Constant(_INTS, [23] * LANES))
        return builder.bitcast(builder.add(x, exponent), _FLOATS)

    return vector(x, shifted), generate


# 2^f = 1 + f * polynomial(f) for -0.5 <= f <= 0.5: the least largest relative error, 9.2e-8. Exact at 0, so that
# a state that hardly decays keeps its value over a long sequence.
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
def _split_power(x):
    """2^x in parts: k (as x + _ROUND) and r with 2^x = 2^k (1 + r)."""
    x = larger(x, splat(_LOWEST))
    shifted = x + splat(_ROUND)
    fraction = x - (shifted - splat(_ROUND))
    polynomial = splat(_EXP2[0])
    polynomial = polynomial * fraction + splat(_EXP2[1])
    polynomial = polynomial * fraction + splat(_EXP2[2])
    polynomial = polynomial * fraction + splat(_EXP2[3])
    polynomial = polynomial * fraction + splat(_EXP2[4])
    return shifted, polynomial, fraction


@njit(forceinline=True)
def exp2(x):
    """2^x for x <= 127; 2^-125 for all x below -125."""
    shifted, polynomial, fraction = _split_power(x)
    return _scale(polynomial * fraction + splat(1.0), shifted)


@njit(forceinline=True)
def exp2m1(x):
    """2^x - 1, exact to the last digits also near x = 0."""
    shifted, polynomial, fraction = _split_power(x)
    power = _scale(splat(1.0), shifted)
    return power * (polynomial * fraction) + (power - splat(1.0))


@njit(forceinline=True)
def softplus(x):
    """log(1 + e^x) = max(x, 0) + log(1 + z) with z = e^-|x|, the logarithm as 2 artanh(z / (2 + z))."""
    z = exp2(splat(-LOG2_E) * larger(x, splat(0.0) - x))
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


@njit
def scratch(rows):
    """An uninitialised float32 array (rows, LANES) whose rows do not straddle cache lines."""
    floats = np.empty((rows + 1) * LANES, np.float32)
    skip = -(floats.ctypes.data // 4) % LANES
    return floats[skip : skip + rows * LANES].reshape(rows, LANES)
