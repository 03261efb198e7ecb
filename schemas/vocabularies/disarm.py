"""The tactics of DISARM, the framework for describing disinformation."""

from typing import Final

TACTICS: Final[dict[str, str]] = {
    "TA01": "Plan Strategy",
    "TA02": "Plan Objectives",
    "TA05": "Microtarget",
    "TA06": "Develop Content",
    "TA07": "Select Channels and Affordances",
    "TA08": "Conduct Pump Priming",
    "TA09": "Deliver Content",
    "TA10": "Drive Offline Activity",
    "TA11": "Persist in the Information Environment",
    "TA12": "Assess Effectiveness",
    "TA13": "Target Audience Analysis",
    "TA14": "Develop Narratives",
    "TA15": "Establish Assets",
    "TA16": "Establish Legitimacy",
    "TA17": "Maximise Exposure",
    "TA18": "Drive Online Harms",
}
"""Id -> name. TA03 and TA04 were given up."""

PHASES: Final[dict[str, str]] = {
    name.lower().replace(" ", "-"): tactic for tactic, name in TACTICS.items()
}
"""Name of the phase in `kill_chain_phases` -> id of the tactic."""
