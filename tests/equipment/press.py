"""Machine whose energy, wear and tool go up in straight lines while it is on: what a flow makes of it is exact."""

from math import inf

from twin.declare import Asset, Due, Input, Memory, Output, Param, Source, State, at, balance, guard, on, physics

CHOSEN = Source("guess", "closed form: every state is a rate times the time for which it is on")


class Press(Asset):
    """Draws power while it is on, trips when it is worn and changes its tool when it is blunt; valid always."""

    power = Param("W", "power drawn while it is on", 500.0, (0.0, 1e6), CHOSEN)
    limit = Param("s", "time of work after which it trips", 1e9, (0.0, 1e9), CHOSEN)
    life = Param("s", "time of work for which a tool lasts", 1e9, (0.0, 1e9), CHOSEN)
    pause = Param("s", "how long a trip lasts", 30.0, (0.0, 1e9), CHOSEN)
    change = Param("s", "how long a change of the tool lasts", 20.0, (0.0, 1e9), CHOSEN)
    E = State("J", "energy taken in", 0.0, (-1.0, 1e15))
    wear = State("s", "time of work since it tripped", 0.0, (-1.0, 1e9))
    tool = State("s", "time of work since its tool was changed", 0.0, (-1.0, 1e9))
    works = Input("1", "1 while it is on", 0.0, (0.0, 1.0))
    speed = Input("1", "how fast it goes", 1.0, (0.0, 10.0))
    tripped = Memory("1", "1 while it stands", 0.0, (0.0, 1.0))
    changing = Memory("1", "1 while its tool is changed", 0.0, (0.0, 1.0))
    alarm = Output("1", "1 while it stands, too")
    again = Due("end of a trip", inf)
    changed = Due("end of a change of the tool", inf)

    @physics
    def tell(tripped):
        alarm = 1.0 * tripped
        return alarm

    @physics
    def work(works, power):
        d_E = power * works
        d_wear = 1.0 * works
        d_tool = 1.0 * works
        return d_E, d_wear, d_tool

    @balance
    def energy(d_E, works, power):
        stored = d_E
        supplied = power * works
        return stored, supplied

    @guard
    def worn(wear, limit):
        beyond = wear - limit
        return beyond

    @guard
    def blunt(tool, life):
        beyond = tool - life
        return beyond

    @on("worn")
    def trip(t, pause):
        tripped = 1.0
        again = t + pause
        wear = 0.0 * t
        return tripped, again, wear

    @at("again")
    def recover():
        tripped = 0.0
        return tripped

    @on("blunt")
    def swap(t, change):
        changing = 1.0
        changed = t + change
        tool = 0.0 * t
        return changing, changed, tool

    @at("changed")
    def sharpen():
        changing = 0.0
        return changing
