"""The functions that the Restate server calls, as an ASGI app of their own process: `hypercorn`, as Restate's guide serves them."""

# The peers are installed in an environment of their own.
# mypy: disable-error-code="import-not-found,untyped-decorator,no-any-unimported"
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import restate

from benchmarks.sides.protocol import note

bench = restate.Service("Bench")


async def noop(number: int) -> int:
    return number


@bench.handler()
async def sequence(ctx: restate.Context, steps: int) -> int:
    for number in range(steps):
        await ctx.run_typed("step", noop, number=number)
    return steps


@bench.handler()
async def gathered(ctx: restate.Context, branches: int) -> int:
    return len(await restate.gather(*(ctx.run_typed("step", noop, number=number) for number in range(branches))))


@bench.handler()
async def interrupted(ctx: restate.Context, ledger: str) -> int:
    for number in range(10):
        await ctx.run_typed("step", note, ledger=ledger, number=number)
    return 10


app = restate.app(services=[bench])
