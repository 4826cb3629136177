"""A fan of an async body that is cancelled before its children were asked for asks for none of them: its slice forgets what the items
were to wait for.
"""

from milepost import App, AsyncStep, Event, Step
from milepost.testing import Sandbox


def test_the_children_of_a_fan_in_a_branch_that_loses_are_never_started() -> None:
    app = App("lost-fan")

    @app.event("shop/asked")
    class Asked(Event):
        n: int = 1

    @app.function()
    def child(event: Asked, step: Step) -> int:
        return event.n

    @app.function(on=Asked)
    async def parent(event: Asked, step: AsyncStep) -> int:
        async def children(step: AsyncStep) -> int:
            return sum(await step.invoke_many("children", child, [Asked(n=2), Asked(n=3)]))

        async def quick(step: AsyncStep) -> int:
            return await step.run("quick", lambda: 1)

        won = await step.race("first", children, quick)
        again = await step.invoke("last", child, Asked(n=5))
        return won.value * 10 + again

    with Sandbox(app) as box:
        [run] = box.send(Asked())
        assert run.result == 15
        assert len(box.runs(child)) == 1
